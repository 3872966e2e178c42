package devmode

import (
	"container/list"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// vault keeps values under random keys for a while. It holds a bounded number
// and drops the oldest when full, so that no flood grows it.
type vault[T any] struct {
	size int
	life time.Duration

	mu    sync.Mutex
	byKey map[[32]byte]*list.Element
	order *list.List // of entry[T], oldest first; all live equally long
}

type entry[T any] struct {
	key     [32]byte
	value   T
	expires time.Time
}

func newVault[T any](size int, life time.Duration) *vault[T] {
	return &vault[T]{size: size, life: life, byKey: make(map[[32]byte]*list.Element), order: list.New()}
}

// put returns the secret under which v is found until its life ends.
func (v *vault[T]) put(value T, now time.Time) string {
	secret, hash := identity.NewSecret()
	v.mu.Lock()
	defer v.mu.Unlock()
	for first := v.order.Front(); first != nil; first = v.order.Front() {
		e := first.Value.(entry[T])
		if v.order.Len() < v.size && now.Before(e.expires) {
			break
		}
		v.drop(first)
	}
	e := entry[T]{key: [32]byte(hash), value: value, expires: now.Add(v.life)}
	v.byKey[e.key] = v.order.PushBack(e)
	return secret
}

// take returns what put stored, once.
func (v *vault[T]) take(secret string, now time.Time) (T, bool) { return v.find(secret, now, true) }

// get returns what put stored, until it expires.
func (v *vault[T]) get(secret string, now time.Time) (T, bool) { return v.find(secret, now, false) }

func (v *vault[T]) find(secret string, now time.Time, once bool) (T, bool) {
	var none T
	v.mu.Lock()
	defer v.mu.Unlock()
	element, ok := v.byKey[[32]byte(identity.HashSecret(secret))]
	if !ok {
		return none, false
	}
	e := element.Value.(entry[T])
	if once {
		v.drop(element)
	}
	if !now.Before(e.expires) {
		return none, false
	}
	return e.value, true
}

func (v *vault[T]) drop(element *list.Element) {
	delete(v.byKey, element.Value.(entry[T]).key)
	v.order.Remove(element)
}
