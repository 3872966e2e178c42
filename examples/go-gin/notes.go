package main

import (
	"slices"
	"sync"
)

// note is of the user with the canonical id Author, however they signed in.
type note struct {
	Author string `json:"author"`
	Team   string `json:"team"`
	Text   string `json:"text"`
}

// notes are kept in memory.
type notes struct {
	mu  sync.Mutex
	all []note
}

func (n *notes) add(one note) note {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one)
	return one
}

func (n *notes) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.all)
}

func (n *notes) by(author string) []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := []note{}
	for _, one := range n.all {
		if one.Author == author {
			out = append(out, one)
		}
	}
	return out
}

func (n *notes) deleteOf(team string) { n.delete(func(one note) bool { return one.Team == team }) }

func (n *notes) deleteBy(author string) {
	n.delete(func(one note) bool { return one.Author == author })
}

func (n *notes) delete(which func(note) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = slices.DeleteFunc(n.all, which)
}

// move gives the notes of one user to another.
func (n *notes) move(from, into string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.all {
		if n.all[i].Author == from {
			n.all[i].Author = into
		}
	}
}
