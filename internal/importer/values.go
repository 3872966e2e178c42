package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey/latchkey/identity"
)

// What is taken from a source is bounded as what providers say is.
const (
	maxID      = 255
	maxSubject = 255
	maxName    = 200
	maxAvatar  = 2048
	maxTeam    = 100
)

// usableID reports whether an id can be kept. What is left of the ids of people who were
// erased has a prefix of its own.
func usableID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0) && !strings.HasPrefix(id, identity.ErasedPrefix)
}

// roundedNumber is how spreadsheets write numbers that have too many digits for them.
var roundedNumber = regexp.MustCompile(`^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+$`)

// rounded reports whether an id has lost digits in a spreadsheet, so that several may
// be the same now.
func rounded(id string) bool { return roundedNumber.MatchString(id) }

// keptID returns the id of the source as an id here, if it is a UUID in its usual
// spelling.
func keptID(id string) (identity.ID, bool) {
	if len(id) != 36 {
		return identity.ID{}, false
	}
	var out identity.ID
	if err := out.UnmarshalText([]byte(strings.ToLower(id))); err != nil || out == (identity.ID{}) || out.String() != strings.ToLower(id) {
		return identity.ID{}, false
	}
	return out, true
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
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// moments are how sources write times as text.
var moments = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07",
	"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999", "2006-01-02", time.RFC1123, time.RFC1123Z,
	"2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04", "2006-01-02T15:04",
}

// moment reads a time, also as the seconds or milliseconds that ORMs write into
// SQLite; nil for none, and for one that no calendar of a database has.
func moment(v any) *time.Time {
	t, _ := readMoment(v)
	return t
}

// readMoment is moment that reports whether the value can be read: nothing can, and so
// can 0, which means no time.
func readMoment(v any) (*time.Time, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case time.Time:
		if v.IsZero() {
			return nil, true
		}
		if v.Year() < 1900 || v.Year() > 9999 {
			return nil, false
		}
		return new(v.UTC().Truncate(time.Microsecond)), true
	case int64:
		return fromNumber(v)
	case int:
		return fromNumber(int64(v))
	case json.Number:
		return readMoment(v.String())
	case float64:
		return fromNumber(int64(v))
	case []byte:
		return readMoment(string(v))
	case string:
		s := strings.TrimSpace(v)
		if s == "" || strings.EqualFold(s, "null") {
			return nil, true
		}
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return fromNumber(int64(n))
		}
		for _, layout := range moments {
			if t, err := time.Parse(layout, s); err == nil {
				return readMoment(t)
			}
		}
	}
	return nil, false
}

func fromNumber(n int64) (*time.Time, bool) {
	const milliseconds = 100_000_000_000 // as seconds it is the year 5138
	switch {
	case n == 0:
		return nil, true
	case n <= 1: // a truth, not a time
		return nil, false
	case n >= milliseconds:
		return readMoment(time.UnixMilli(n))
	}
	return readMoment(time.Unix(n, 0))
}

// truth reads a boolean, or a time in place of one. known reports whether it can be
// read; a column without a value says no.
func truth(v any) (is, known bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case int64:
		return truth(strconv.FormatInt(v, 10))
	case float64:
		return truth(strconv.FormatFloat(v, 'f', -1, 64))
	case json.Number:
		return truth(v.String())
	case []byte:
		if len(v) == 1 && v[0] <= 1 { // BIT(1) of MySQL
			return v[0] == 1, true
		}
		return truth(string(bytes.TrimSpace(v)))
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "t", "true", "1", "yes", "y", "on", "x":
			return true, true
		case "", "f", "false", "0", "no", "n", "off", "null":
			return false, true
		case "\x01":
			return true, true
		case "\x00":
			return false, true
		}
		t := moment(v)
		return t != nil, t != nil
	case time.Time:
		return !v.IsZero(), true
	}
	return false, false
}

// clip cuts a text that is shown in a report.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// mask shows enough of a value to find it, and no more: the report may be passed on.
func mask(s string) string {
	if local, domain, ok := strings.Cut(s, "@"); ok && local != "" {
		return mask(local) + "@" + clip(domain)
	}
	runes := []rune(strings.ToValidUTF8(s, "\ufffd"))
	switch {
	case len(runes) == 0:
		return ""
	case len(runes) <= 3:
		return string(runes[:1]) + "***"
	}
	return string(runes[:2]) + "***"
}
