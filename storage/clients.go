package storage

import (
	"context"
	"net/netip"
	"strings"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// clientColumns are what sessions are looked for by, made of what they hold: no
// part of the domain.
type clientColumns struct {
	IPKey  []byte
	Device *string // nil in sessions of before there was this column
}

func clientOf(ip, userAgent string) clientColumns {
	return clientColumns{IPKey: ipKey(ip), Device: new(sanitizeKey(identity.DeviceName(userAgent)))}
}

// ipKey is an address as 16 bytes, of which networks are ranges; nil for what is
// no address.
func ipKey(ip string) []byte {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	b := a.As16() // IPv4 as IPv4-mapped
	return b[:]
}

var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// inNetwork keeps sessions last seen in a network; the zero one is any.
func inNetwork(q *bun.SelectQuery, n netip.Prefix) *bun.SelectQuery {
	if !n.IsValid() {
		return q
	}
	condition, args := seenIn(n)
	return q.Where(condition, args...)
}

// seenIn is the condition that a session, s, was last seen in a network.
func seenIn(n netip.Prefix) (condition string, args []any) {
	bits := n.Bits()
	if n.Addr().Is4() {
		bits += 96
	}
	first, last := span(n.Addr().As16(), bits)
	condition, args = "s.ip_key BETWEEN ? AND ?", []any{first, last}
	if n.Addr().Is6() && n.Bits() <= mapped.Bits() && n.Contains(mapped.Addr()) {
		// No IPv4 address is in an IPv6 network, as policies see it, too.
		first, last := span(mapped.Addr().As16(), mapped.Bits())
		condition, args = condition+" AND s.ip_key NOT BETWEEN ? AND ?", append(args, first, last)
	}
	return "(" + condition + ")", args
}

// span is the first and the last address that shares so many bits.
func span(address [16]byte, bits int) (first, last []byte) {
	first, last = make([]byte, 16), make([]byte, 16)
	for i, b := range address {
		host := byte(0xff)
		if n := bits - 8*i; n >= 8 {
			host = 0
		} else if n > 0 {
			host >>= n
		}
		first[i], last[i] = b&^host, b|host
	}
	return first, last
}

// onDevice keeps sessions whose device's name has a text in it, ASCII letters in
// either case.
func (e engine) onDevice(q *bun.SelectQuery, text string) *bun.SelectQuery {
	if text == "" {
		return q
	}
	return q.Where(e.lowerASCII("s.device")+" LIKE ? ESCAPE '!'", "%"+escapeLike(lowerASCII(sanitizeKey(text)))+"%")
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// fillClients gives the sessions of before their columns, in small steps.
func (db *DB) fillClients(ctx context.Context) error {
	for {
		var rows []struct{ IP, UserAgent string }
		err := db.write.NewSelect().Model((*sessionRow)(nil)).Column("ip", "user_agent").Distinct().
			Where("s.device IS NULL").Limit(200).Scan(ctx, &rows)
		if err != nil || len(rows) == 0 {
			return db.engine.normalise(err)
		}
		filled := int64(0)
		for _, r := range rows {
			c := clientOf(r.IP, r.UserAgent)
			n, err := db.exec(ctx, db.write.NewUpdate().Model((*sessionRow)(nil)).
				Set("ip_key = ?", c.IPKey).Set("device = ?", c.Device).
				Where("s.device IS NULL AND s.ip = ? AND s.user_agent = ?", r.IP, r.UserAgent))
			if err != nil {
				return err
			}
			filled += n
		}
		if filled == 0 {
			return nil // another process has done it meanwhile
		}
	}
}
