package importer

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What is taken from a source is bounded as what providers say is.
const (
	maxID      = 255
	maxSubject = 255
	maxName    = 200
	maxAvatar  = 2048
)

func usableID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}

// cleanAvatar returns an https URL of printable ASCII, or "".
func cleanAvatar(s string) string {
	if len(s) > maxAvatar || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// text reads a column as text, whatever the driver made of it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}

// moments are how sources write times as text.
var moments = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999", "2006-01-02",
}

// moment reads a time, also as the seconds or milliseconds that ORMs write into
// SQLite; nil for none.
func moment(v any) *time.Time {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return new(v.UTC().Truncate(time.Microsecond))
	case int64:
		return fromNumber(v)
	case float64:
		return fromNumber(int64(v))
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return fromNumber(n)
		}
		for _, layout := range moments {
			if t, err := time.Parse(layout, v); err == nil {
				return moment(t)
			}
		}
	case []byte:
		return moment(string(v))
	}
	return nil
}

func fromNumber(n int64) *time.Time {
	const milliseconds = 100_000_000_000 // as seconds it is the year 5138
	switch {
	case n <= 1: // a truth, not a time
		return nil
	case n >= milliseconds:
		return new(time.UnixMilli(n).UTC())
	}
	return new(time.Unix(n, 0).UTC())
}

// truth reads a boolean, or a time in place of one. What it does not know
// is false: an address counts as verified only when that is certain.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int64:
		return v > 0
	case string:
		switch strings.ToLower(v) {
		case "t", "true", "1", "yes":
			return true
		}
		return moment(v) != nil
	case []byte:
		return truth(string(v))
	}
	return moment(v) != nil
}
