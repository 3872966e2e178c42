package linking //nolint:testpackage // who survives is a rule of its own

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// The older account survives, unless the other is wished for. Of two of one age it is the
// lower id, so that both sides see the same.
func TestSides(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	low, high := identity.NewID(), identity.NewID() // ids rise
	old, young := identity.User{ID: high, CreatedAt: at}, identity.User{ID: low, CreatedAt: at.Add(time.Second)}
	twin := identity.User{ID: low, CreatedAt: at}
	for name, c := range map[string]struct {
		a, b   identity.User
		wished *identity.ID
		want   identity.ID
	}{
		"the older":               {old, young, nil, high},
		"the older, second":       {young, old, nil, high},
		"the younger, wished for": {old, young, &low, low},
		"the older, wished for":   {young, old, &high, high},
		"of one age":              {old, twin, nil, low},
		"of one age, second":      {twin, old, nil, low},
	} {
		source, survivor, err := sides(c.a, c.b, c.wished)
		if err != nil || survivor.ID != c.want || source.ID == c.want {
			t.Errorf("%s: %s survives %s, %v", name, survivor.ID, source.ID, err)
		}
	}
	if _, _, err := sides(old, young, new(identity.NewID())); err == nil {
		t.Error("a stranger is wished for")
	}
}
