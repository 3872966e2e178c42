package solana

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/solanatest"
)

// Each spelling that decode58 takes is the only one of its bytes.
func TestDecode58(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) // failures repeat
	for n := range 2000 {
		size := 32 << (n % 2)
		want := make([]byte, size)
		for i := range want[:size-random.IntN(size)] {
			want[i] = byte(random.IntN(256))
		}
		if n%3 == 0 {
			copy(want[random.IntN(size):], make([]byte, size)) // zeros at the end
		}
		if n%5 == 0 {
			copy(want, make([]byte, random.IntN(size))) // and at the beginning
		}
		s := solanatest.Base58(want)
		if got, ok := decode58(s, size); !ok || !bytes.Equal(got, want) {
			t.Fatalf("%q is %x, %t; want %x", s, got, ok, want)
		}
		changed := []byte(s)
		changed[random.IntN(len(s))] = alphabet[random.IntN(len(alphabet))]
		for _, other := range []string{string(changed), "1" + s, s[1:], s + "1", s[:len(s)-1]} {
			if got, ok := decode58(other, size); ok && solanatest.Base58(got) != other {
				t.Fatalf("%q is another spelling of %x", other, got)
			}
		}
	}
	for _, bad := range []string{"", "0", "O", "I", "l", " ", "é"} {
		if _, ok := decode58("111111111111111111111111111111111111111"+bad, 32); ok {
			t.Errorf("%q is a character", bad)
		}
	}
}
