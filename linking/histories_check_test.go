package linking_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// check compares everything that people of this history have with the model,
// and looks for whatever must never be.
func (h *history) check() {
	violations, err := h.Violations(h.t.Context())
	if err != nil || len(violations) > 0 {
		h.r.Fatalf("%v, %v", violations, err)
	}
	want := map[string]string{}
	for k, w := range h.m.ways {
		want["way "+k] = w.owner.String() + " " + w.id.String()
	}
	for a, owner := range h.m.addresses {
		want["address "+a] = owner.String()
	}
	for _, v := range h.m.vouchers {
		k := fmt.Sprintf("voucher %s %s of %s: ended %v, settled by %s", v.address, v.by, orNone(v.user), v.ended, orNone(v.settledBy))
		n, _ := strconv.Atoi(want[k])
		want[k] = strconv.Itoa(n + 1)
	}
	for id, p := range h.m.people {
		status, into := "active", ""
		switch {
		case p.into != nil:
			status, into = "merged", p.into.String()
		case p.disabled:
			status = "disabled"
		}
		want["user "+id.String()] = fmt.Sprint(status, " ", into, " ", p.operator)
	}
	for t, members := range h.m.teams {
		for user, p := range members {
			want["place "+t.String()+" "+user.String()] = string(p.role)
		}
	}
	for _, i := range h.m.invited {
		want["invitation "+i.id.String()] = i.by.String()
	}
	people := h.in(h.m.order)
	got := map[string]string{}
	for _, row := range h.query(fmt.Sprintf(`
		SELECT 'way ' || provider || ' ' || subject, CAST(user_id AS text) || ' ' || CAST(id AS text) FROM identities WHERE subject LIKE '%[1]s%%'
		UNION ALL SELECT 'address ' || address, CAST(user_id AS text) FROM emails WHERE address LIKE '%[1]s%%'
		UNION ALL SELECT k, CAST(count(*) AS text) FROM (SELECT 'voucher ' || address || ' ' || provider || ' ' || subject || ' of ' || coalesce(CAST(user_id AS text), 'none') ||
			CASE WHEN ended_at IS NULL THEN ': ended false' ELSE ': ended true' END || ', settled by ' || coalesce(CAST(settled_by AS text), 'none') AS k
			FROM vouchers WHERE address LIKE '%[1]s%%') AS v GROUP BY k
		UNION ALL SELECT 'user ' || CAST(id AS text), status || ' ' || coalesce(CAST(merged_into AS text), '') || ' ' ||
			CASE WHEN operator THEN 'true' ELSE 'false' END FROM users WHERE id IN (%[2]s)
		UNION ALL SELECT 'place ' || CAST(m.team_id AS text) || ' ' || CAST(m.user_id AS text), m.role
			FROM memberships AS m JOIN teams AS t ON t.id = m.team_id WHERE t.deleted_at IS NULL AND m.user_id IN (%[2]s)
		UNION ALL SELECT 'invitation ' || CAST(id AS text), CAST(invited_by AS text) FROM invitations WHERE invited_by IN (%[2]s)
		UNION ALL SELECT 'an e-mail identity of an address of someone else: ' || subject, provider FROM identities AS i
			WHERE provider = 'email' AND subject LIKE '%[1]s%%'
			AND NOT EXISTS (SELECT 1 FROM emails AS e WHERE e.address = i.subject AND e.user_id = i.user_id)
		UNION ALL SELECT 'addresses but no primary one: ' || CAST(u.id AS text), '' FROM users AS u WHERE u.id IN (%[2]s)
			AND u.primary_email IS NULL AND EXISTS (SELECT 1 FROM emails AS e WHERE e.user_id = u.id)`, h.prefix, people)) {
		got[row[0]] = row[1]
	}
	if !maps.Equal(got, want) {
		h.r.Fatalf("\n got %s\nwant %s", lines(got), lines(want))
	}
	h.checkLookups(false)
}

// checkLookups looks people up by every id and token there ever was; unless all
// are meant, by a token that has been found to be ended not again.
func (h *history) checkLookups(all bool) {
	for _, id := range h.m.order {
		if h.m.people[id].into == nil && !all {
			continue
		}
		u, err := h.DB.User(h.t.Context(), id)
		if err != nil || u.ID != h.m.survivor(id) {
			h.r.Fatalf("%s leads to %s, %v; want %s", id, u.ID, err, h.m.survivor(id))
		}
	}
	for _, s := range h.m.held {
		if s.found && !all {
			continue
		}
		s.found = s.ended
		p, err := h.sessions.Authenticate(h.t.Context(), s.token, identity.RequestOrigin{})
		if alive := !s.ended && h.m.active(s.user); !alive {
			h.want("a session that ended", err, identity.CodeUnauthenticated)
		} else if err != nil || p.User.ID != s.user {
			h.r.Fatalf("a session of %s is of %s, %v", s.user, p.User.ID, err)
		}
		if p.Team != nil && h.m.teams[p.Team.TeamID][s.user].role != p.Team.Role {
			h.r.Fatalf("%s acts in a team as %s, but is %q", s.user, p.Team.Role, h.m.teams[p.Team.TeamID][s.user].role)
		}
	}
}

// rows are all that users have, but for what signing in changes.
func (h *history) rows(users ...identity.ID) string {
	var out []string
	for _, row := range h.query(strings.ReplaceAll(`
		SELECT 'user', CAST(id AS text) || display_name || coalesce(primary_email, '-') || status || CASE WHEN operator THEN '+' ELSE '-' END || CAST(metadata AS text)
			FROM users WHERE id IN (?)
		UNION ALL SELECT 'identity', CAST(user_id AS text) || CAST(id AS text) || provider || subject || label || coalesce(wallet_address, '') ||
			CASE WHEN is_primary THEN '+' ELSE '-' END FROM identities WHERE user_id IN (?)
		UNION ALL SELECT 'address', CAST(user_id AS text) || address FROM emails WHERE user_id IN (?)
		UNION ALL SELECT 'place', CAST(m.user_id AS text) || CAST(m.team_id AS text) || m.role || CAST(m.created_at AS text)
			FROM memberships AS m JOIN teams AS t ON t.id = m.team_id WHERE t.deleted_at IS NULL AND m.user_id IN (?)
		UNION ALL SELECT 'session', CAST(user_id AS text) || CAST(id AS text) FROM sessions WHERE user_id IN (?)
		UNION ALL SELECT 'team session', CAST(user_id AS text) || CAST(id AS text) FROM team_sessions WHERE user_id IN (?)
		UNION ALL SELECT 'invitation', CAST(invited_by AS text) || CAST(id AS text) FROM invitations WHERE invited_by IN (?)`, "?", h.in(users))) {
		out = append(out, row[0]+" "+row[1])
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (h *history) in(ids []identity.ID) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = "'" + id.String() + "'"
	}
	return strings.Join(quoted, ", ")
}

func (h *history) query(query string) (out [][2]string) {
	rows, err := h.SQL.QueryContext(h.t.Context(), query)
	if err != nil {
		h.r.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row [2]string
		if err := rows.Scan(&row[0], &row[1]); err != nil {
			h.r.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		h.r.Fatal(err)
	}
	return out
}

func orNone(id identity.ID) string {
	if id == (identity.ID{}) {
		return "none"
	}
	return id.String()
}

func lines(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, "\n  "+k+": "+v)
	}
	slices.Sort(out)
	return strings.Join(out, "")
}
