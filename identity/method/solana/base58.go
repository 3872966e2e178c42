package solana

import (
	"encoding/binary"
	"strings"
)

// alphabet is that of Bitcoin, without 0, O, I and l.
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// values are those of the characters, and one too large for all others.
var values = func() (v [256]uint8) {
	for i := range v {
		v[i] = uint8(len(alphabet))
	}
	for i, c := range []byte(alphabet) {
		v[c] = uint8(i)
	}
	return v
}()

// decode58 reads size bytes, a multiple of 4, in base 58. There is one spelling of them:
// a 1 for each leading zero byte, and no other 1 before the rest.
func decode58(s string, size int) ([]byte, bool) {
	if len(s) < size || len(s) > size*7/5+1 { // a byte is log 256 / log 58 = 1.37 characters
		return nil, false
	}
	words := make([]uint32, size/4) // big-endian
	for rest := s; rest != ""; {
		n := min(5, len(rest)) // as many as a word can take: 58⁵ < 2³²
		carry, power := uint64(0), uint64(1)
		for _, c := range []byte(rest[:n]) {
			v := values[c]
			if int(v) == len(alphabet) {
				return nil, false
			}
			carry, power = carry*58+uint64(v), power*58
		}
		for i := len(words) - 1; i >= 0; i-- {
			carry += uint64(words[i]) * power
			words[i] = uint32(carry) //nolint:gosec // the low half
			carry >>= 32
		}
		if carry != 0 {
			return nil, false // more than size bytes
		}
		rest = rest[n:]
	}
	b := make([]byte, size)
	for i, w := range words {
		binary.BigEndian.PutUint32(b[4*i:], w)
	}
	ones := len(s) - len(strings.TrimLeft(s, alphabet[:1]))
	zeros := size - len(strings.TrimLeft(string(b), "\x00"))
	return b, ones == zeros
}
