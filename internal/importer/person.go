package importer

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// commonFields are columns that applications add to the users of any system.
var commonFields = []field{
	maybe("banned", "banned", "isBanned"), maybe("blocked", "blocked", "isBlocked"),
	maybe("disabled", "disabled", "isDisabled", "disabledAt"), maybe("suspended", "suspended", "isSuspended", "suspendedAt"),
	maybe("active", "isActive", "active", "enabled", "isEnabled"),
	maybe("until", "banExpires", "bannedUntil", "banExpiresAt", "banExpiry", "blockedUntil", "suspendedUntil", "disabledUntil"),
	maybe("deleted", "deletedAt", "isDeleted", "deleted"),
	maybe("onboarded", "onboardedAt", "onboarded", "isOnboarded", "hasOnboarded", "onboardingCompletedAt", "onboardingCompleted",
		"onboardingComplete", "completedOnboarding", "hasCompletedOnboarding"),
	maybe("role", "role", "roles"), maybe("status", "status", "accountStatus", "userStatus"),
}

// restrictions are the columns by which somebody may not sign in.
var restrictions = []string{"banned", "blocked", "disabled", "suspended"}

// endedBy is the restriction that a column is the end of: bannedUntil is banned's.
func endedBy(column string) string {
	for _, name := range restrictions {
		if strings.HasPrefix(flat(column), name[:3]) {
			return name
		}
	}
	return "banned" // what has an end is mostly a ban
}

// readCommon reads what commonFields name. A restriction that cannot be read holds.
func readCommon(r record, p *Person, now time.Time, column func(string) string) {
	unreadable := func(name string) {
		p.Ban = &Ban{}
		p.Faults = append(p.Faults, Fault{
			Reason: "restriction that cannot be read: the user is suspended", Column: column(name), Value: text(r[name]),
		})
	}
	flagged, restricted := false, false
	ended := endedBy(column("until"))
	for _, name := range restrictions {
		v, have := r[name]
		if !have {
			continue
		}
		flagged = true
		is, known := truth(v)
		if !known {
			unreadable(name)
		}
		restricted = restricted || is
		if _, apart := r[ended]; is && apart && name != ended {
			p.Ban = &Ban{} // the end is another restriction's
		}
	}
	if v, have := r["active"]; have && v != nil && text(v) != "" {
		is, known := truth(v)
		if !known {
			unreadable("active")
		}
		if known && !is {
			p.Ban = &Ban{}
		}
	}
	switch status := text(r["status"]); strings.ToLower(strings.TrimSpace(status)) {
	case "banned", "blocked", "suspended", "disabled", "deactivated":
		flagged, restricted = true, true
	case "", "active", "enabled", "ok", "confirmed", "verified", "approved":
	default:
		p.Faults = append(p.Faults, Fault{Reason: "status that is not taken for a restriction", Column: column("status"), Value: status})
	}
	v := text(r["until"])
	until, known := readMoment(r["until"])
	endless := strings.EqualFold(v, "infinity")
	switch {
	case p.Ban != nil: // for no time that could be known
	case !known && !endless && (restricted || !flagged):
		unreadable("until")
	case restricted && (until == nil || until.After(now)), !flagged && until != nil && until.After(now):
		p.Ban = &Ban{Until: until}
	case endless && !flagged:
		p.Ban = &Ban{}
	}
	if v, have := r["deleted"]; have {
		is, known := truth(v)
		if p.Deleted = is; !known {
			unreadable("deleted")
		}
	}
	p.CreatedAt = p.readTime("created", r["created"], column)
	p.readOnboarded(r["onboarded"], now)
	if role := text(r["role"]); role != "" {
		p.app("role", role)
	}
}

func (p *Person) readTime(name string, v any, column func(string) string) *time.Time {
	t, known := readMoment(v)
	if !known {
		p.Faults = append(p.Faults, Fault{Reason: "time that cannot be read", Column: column(name), Value: text(v)})
	}
	return t
}

func (p *Person) readOnboarded(v any, now time.Time) {
	is, known := truth(v)
	if !is || !known {
		return
	}
	if p.Onboarded = moment(v); p.Onboarded == nil {
		p.Onboarded = &now
		if p.CreatedAt != nil {
			p.Onboarded = p.CreatedAt
		}
	}
}

// readChain reads the id of a chain; 0 for none.
func (p *Person) readChain(v any, column string, line int) int64 {
	s := strings.TrimSpace(text(v))
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		p.Faults = append(p.Faults, Fault{Reason: "chain that is no number: the wallet is taken over without", Line: line, Column: column, Value: s})
		return 0
	}
	return n
}

// app sets a value of the application's metadata; nil is none.
func (p *Person) app(name string, v any) {
	if v == nil {
		return
	}
	if p.AppMetadata == nil {
		p.AppMetadata = identity.Metadata{}
	}
	p.AppMetadata[name] = v
}

// metadataOf is a column as JSON has it, by the type that the database names.
func metadataOf(v any, kind string) any {
	if v == nil {
		return nil
	}
	s := text(v)
	switch {
	case strings.HasPrefix(kind, "BOOL"):
		if is, known := truth(v); known {
			return is
		}
	case kind == "JSON" || kind == "JSONB":
		if v, err := decodeJSON([]byte(s)); err == nil {
			return v
		}
	case strings.Contains(kind, "INT") || strings.HasPrefix(kind, "FLOAT") || kind == "NUMERIC" || kind == "DOUBLE" || kind == "REAL" || kind == "DECIMAL":
		if n := json.Number(s); json.Valid([]byte(s)) {
			return n
		}
	}
	switch v.(type) {
	case bool, int64, float64:
		return v
	}
	return s
}

// exact returns a value of metadata with its numbers as float64, but for integers that
// have more digits than one keeps, such as ids.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err == nil && (n > 1<<53 || n < -1<<53) {
			return v
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case int64:
		return exact(json.Number(strconv.FormatInt(v, 10)))
	case map[string]any:
		for k, e := range v {
			v[k] = exact(e)
		}
	case []any:
		for i, e := range v {
			v[i] = exact(e)
		}
	}
	return v
}
