package erased

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// everyone has erased these users, in the order of their ids.
type everyone []identity.ID

func (e everyone) ErasedUsers(_ context.Context, after identity.ID, _ int) ([]linking.Erased, error) {
	var out []linking.Erased
	for _, id := range e {
		if id.String() > after.String() {
			out = append(out, linking.Erased{UserID: id})
		}
	}
	return out, nil
}

// A full disk cuts a line off. Who was on it comes again, and all others are read.
func TestAListThatWasCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := identity.NewID(), identity.NewID()
	if n, err := NewFile(everyone{first}, dir).Update(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	path := filepath.Join(dir, Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:len(whole)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	list := NewFile(everyone{first, second}, dir)
	for _, want := range []int{1, 0} {
		if n, err := list.Update(t.Context()); n != want || err != nil {
			t.Errorf("%d, want %d, %v", n, want, err)
		}
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var got []identity.ID
	cut, err := Read(in, func(e linking.Erased) error {
		got = append(got, e.UserID)
		return nil
	})
	if cut != 1 || err != nil || len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("%v, %d cut off, %v", got, cut, err)
	}
}
