package storage

import (
	"errors"
	"testing"
)

// What was asked ahead answers only itself: any other statement would run it again.
func TestAnswersAreTakenInTurn(t *testing.T) {
	q := &queue{}
	q.ask("SELECT 1")
	q.ask("SELECT 2")
	if rows, err := q.answered("SELECT 1"); rows == nil || err != nil {
		t.Errorf("in its turn: %v, %v", rows, err)
	}
	if rows, err := q.answered("SELECT 3"); rows != nil || !errors.Is(err, errOutOfTurn) || !errors.Is(q.failed, errOutOfTurn) {
		t.Errorf("out of turn: %v, %v; the transaction: %v", rows, err, q.failed)
	}
}
