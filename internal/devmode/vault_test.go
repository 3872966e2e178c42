package devmode

import (
	"sync"
	"testing"
	"time"
)

func TestVault(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := newVault[int](3, time.Minute)
	var secrets []string
	for n := range 10 {
		secrets = append(secrets, v.put(n, now))
	}
	if v.order.Len() != 3 || len(v.byKey) != 3 {
		t.Fatalf("%d values are kept, want 3", v.order.Len())
	}
	if _, ok := v.get(secrets[6], now); ok {
		t.Error("the oldest was kept")
	}
	if got, ok := v.get(secrets[9], now); !ok || got != 9 {
		t.Error("the newest was lost")
	}
	if got, ok := v.take(secrets[9], now); !ok || got != 9 {
		t.Error("it cannot be taken")
	}
	if _, ok := v.take(secrets[9], now); ok {
		t.Error("it was taken twice")
	}
	if _, ok := v.get(secrets[8], now.Add(time.Minute)); ok {
		t.Error("it outlived its life")
	}
	v.put(1, now.Add(time.Hour))
	if v.order.Len() != 1 || len(v.byKey) != 1 {
		t.Errorf("%d values are kept after the others expired", v.order.Len())
	}
}

func TestVaultIsTakenOnceInParallel(t *testing.T) {
	t.Parallel()
	v := newVault[int](8, time.Minute)
	now := time.Now()
	secret := v.put(1, now)
	won := make(chan bool, 50)
	var wg sync.WaitGroup
	for range cap(won) {
		wg.Go(func() {
			if _, ok := v.take(secret, now); ok {
				won <- true
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of %d took it", len(won), cap(won))
	}
}
