package importer

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// file is a CSV file, grouped by user: a user has a line for each account, and the
// lines need not be adjacent.
type file struct {
	people []Person
}

func openCSV(path string) (*file, error) {
	f, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return nil, fmt.Errorf("--source: %w", err)
	}
	out, err := readCSV(f)
	return out, errors.Join(err, f.Close())
}

func readCSV(from io.Reader) (*file, error) {
	in := bufio.NewReader(from)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // spreadsheets write it
	}
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("--source: the first line names the columns: %w", err)
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[flat(strings.TrimSpace(name))] = i
	}
	if _, ok := columns["id"]; !ok {
		return nil, errors.New("--source: there is no column id")
	}
	out, at := &file{}, map[string]int{}
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("--source: %w", err)
		}
		get := func(name string) string {
			if i, ok := columns[name]; ok {
				return strings.Clone(strings.TrimSpace(line[i]))
			}
			return ""
		}
		i, have := at[get("id")]
		if !have {
			i = len(out.people)
			at[get("id")] = i
			out.people = append(out.people, Person{
				ID: get("id"), Name: get("name"), Image: get("image"), Email: get("email"),
				Verified: truth(get("emailverified")), CreatedAt: moment(get("createdat")),
			})
		}
		if provider := get("provider"); provider != "" {
			chain, _ := strconv.ParseInt(get("chainid"), 10, 64)
			out.people[i].Accounts = append(out.people[i].Accounts, Account{Provider: provider, Subject: get("subject"), ChainID: chain})
		}
	}
}

// Next implements Source.
func (f *file) Next(_ context.Context, limit int) ([]Person, error) {
	n := min(limit, len(f.people))
	page := f.people[:n]
	f.people = f.people[n:]
	return page, nil
}

// Close implements Source.
func (f *file) Close() error { return nil }
