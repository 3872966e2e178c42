package audit

import (
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// canonicalSize is room for nearly every record.
const canonicalSize = 1024

// appendCanonical appends the record's export without hash in the canonical form
// of JSON. It reports false for a record that is not plain: with other than
// printable ASCII, with what has to be escaped, or with numbers that are no whole
// ones. Nearly all are plain, and for them this is several times as fast as the
// general way.
func (r Record) appendCanonical(b []byte) ([]byte, bool) {
	at := r.At.UTC().Truncate(time.Microsecond)
	if y := at.Year(); y < 0 || y > 9999 || r.Seq != nil && *r.Seq > maxPlain {
		return b, false
	}
	w := canonical{b, true}
	w.text(`{"action":`, string(r.Action))
	w.id(`,"actor_id":`, r.ActorID)
	w.b = append(w.b, `,"at":"`...)
	w.b = at.AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, `","data":`...)
	w.object(r.Data)
	w.id(`,"id":`, &r.ID)
	w.text(`,"ip":`, r.IP)
	w.b = append(w.b, `,"prev_hash":`...)
	if r.PrevHash == nil {
		w.b = append(w.b, "null"...)
	} else {
		w.b = append(w.b, '"')
		w.b = hex.AppendEncode(w.b, r.PrevHash)
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, `,"seq":`...)
	if r.Seq == nil {
		w.b = append(w.b, "null"...)
	} else {
		w.b = strconv.AppendInt(w.b, *r.Seq, 10)
	}
	w.id(`,"session_id":`, r.SessionID)
	w.id(`,"team_id":`, r.TeamID)
	w.text(`,"user_agent":`, r.UserAgent)
	w.id(`,"user_id":`, r.UserID)
	w.b = append(w.b, `,"v":`...)
	w.b = strconv.AppendInt(w.b, Version, 10)
	w.b = append(w.b, '}')
	return w.b, w.plain
}

// maxPlain bounds whole numbers that are written with all their digits.
const maxPlain = 1 << 53

type canonical struct {
	b     []byte
	plain bool
}

func (w *canonical) text(before, s string) {
	w.b = append(w.b, before...)
	w.word(s)
}

func (w *canonical) word(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			w.plain = false
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

func (w *canonical) id(before string, id *identity.ID) {
	w.b = append(w.b, before...)
	if id == nil {
		w.b = append(w.b, "null"...)
		return
	}
	var text [36]byte
	encodeID(text[:], *id)
	w.b = append(w.b, '"')
	w.b = append(w.b, text[:]...)
	w.b = append(w.b, '"')
}

func encodeID(dst []byte, id identity.ID) {
	hex.Encode(dst, id[:4])
	dst[8] = '-'
	hex.Encode(dst[9:13], id[4:6])
	dst[13] = '-'
	hex.Encode(dst[14:18], id[6:8])
	dst[18] = '-'
	hex.Encode(dst[19:23], id[8:10])
	dst[23] = '-'
	hex.Encode(dst[24:], id[10:])
}

func (w *canonical) object(m map[string]any) {
	w.b = append(w.b, '{')
	keys := make([]string, 0, 8)
	keys = slices.AppendSeq(keys, maps.Keys(m))
	slices.Sort(keys) // which is their order in UTF-16 as long as they are ASCII
	for i, k := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.word(k)
		w.b = append(w.b, ':')
		w.value(m[k])
	}
	w.b = append(w.b, '}')
}

func (w *canonical) value(v any) {
	switch v := v.(type) {
	case nil:
		w.b = append(w.b, "null"...)
	case string:
		w.word(v)
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > maxPlain || v == 0 && math.Signbit(v) {
			w.plain = false
			return
		}
		w.b = strconv.AppendInt(w.b, int64(v), 10)
	case map[string]any:
		w.object(v)
	case []any:
		w.b = append(w.b, '[')
		for i, e := range v {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.value(e)
		}
		w.b = append(w.b, ']')
	default:
		w.plain = false
	}
}
