package siwe

import (
	"errors"
	"strings"
	"time"
)

var errNotATime = errors.New(notATime)

// parseTime parses strict RFC 3339. The time package is not strict, neither in
// Parse nor in UnmarshalText: it accepts a comma for the point and zones beyond a
// day. Leap seconds are refused, because a time.Time cannot represent them.
func parseTime(s string) (time.Time, error) {
	const shape = "2006-01-02T15:04:05"
	if len(s) <= len(shape) || !shaped(s[:len(shape)], shape) {
		return time.Time{}, errNotATime
	}
	zone := s[len(shape):]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(fraction, "0123456789")
		if digits := len(fraction) - len(zone); digits == 0 || digits > 9 { // what a Time can hold
			return time.Time{}, errNotATime
		}
	}
	if zone != "Z" && (!shaped(zone, "+00:00") && !shaped(zone, "-00:00") || zone[1:3] > "23" || zone[4:6] > "59") {
		return time.Time{}, errNotATime
	}
	t, err := time.Parse(time.RFC3339, s) // days of the month, hours, minutes
	return t.UTC(), err
}

// shaped reports whether s has a digit wherever shape has one, and equals shape
// otherwise.
func shaped(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if isDigit(shape[i]) != isDigit(s[i]) || !isDigit(s[i]) && s[i] != shape[i] {
			return false
		}
	}
	return true
}
