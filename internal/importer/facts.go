package importer

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// facts are what a batch is decided by, read in a constant number of queries.
type facts struct {
	imported map[string]identity.ID          // source id: who they became, survivors in place of merged users
	cameAs   map[identity.ID][]string        // user: their ids in this source
	owners   map[key]identity.ID             // by identity
	claimed  map[string]identity.ID          // by verified address
	spelled  map[identity.ID][]string        // how sources spelled their verified addresses
	shown    map[string][]identity.ID        // by address that an identity shows
	named    map[string][]profile            // by display name
	users    map[identity.ID]identity.User   // who were here before
	taken    map[string]bool                 // ids and external ids
	unlinked map[identity.ID]map[key]bool    // by user
	vouched  map[identity.ID]map[string]bool // addresses that a user has or had
	// returning are users who are leaving, and are active again if they come back.
	returning map[identity.ID]bool
	seen      map[string]map[identity.ID]bool // guards shown and named against repetition
}

type profile struct {
	id   identity.ID
	host string // of the avatar
}

func newFacts() *facts {
	return &facts{
		imported: map[string]identity.ID{}, cameAs: map[identity.ID][]string{}, owners: map[key]identity.ID{},
		claimed: map[string]identity.ID{}, spelled: map[identity.ID][]string{}, shown: map[string][]identity.ID{},
		named: map[string][]profile{}, users: map[identity.ID]identity.User{}, taken: map[string]bool{},
		unlinked: map[identity.ID]map[key]bool{}, vouched: map[identity.ID]map[string]bool{},
		returning: map[identity.ID]bool{}, seen: map[string]map[identity.ID]bool{},
	}
}

// hintsPerPerson bounds how many hints one person gives: a name that hundreds
// have says nothing.
const hintsPerPerson = 3

// wanted is what the facts about people are looked up by.
type wanted struct {
	ids, addresses, names []string
	subjects              map[string][]string
	keep                  []identity.ID
}

func (o Options) wanted(people []Person) wanted {
	w := wanted{subjects: map[string][]string{}}
	for _, p := range people {
		if usableID(p.ID) {
			w.ids = append(w.ids, p.ID)
			if id, ok := keptID(p.ID); ok && o.KeepIDs {
				w.keep = append(w.keep, id)
			}
		}
		var addresses []string
		for _, a := range p.Addresses {
			addresses = append(addresses, a.Email)
		}
		for _, a := range p.Accounts {
			addresses = append(addresses, a.Email)
			if l, reason := o.Providers.read(a); reason == "" && l.provider != identity.ProviderEmail {
				w.subjects[l.provider] = append(w.subjects[l.provider], l.subject)
			}
		}
		for _, raw := range addresses {
			if a, err := identity.CanonicalEmail(raw); err == nil {
				w.addresses = append(w.addresses, a)
				w.subjects[identity.ProviderEmail] = append(w.subjects[identity.ProviderEmail], a)
			}
		}
		if name := identity.OneLine(p.Name, maxName); name != "" {
			w.names = append(w.names, name)
		}
	}
	return w
}

// load reads what bears on these people. In a dry run memory has what the batches
// before would have written; else it is nil.
func (f *facts) load(ctx context.Context, store Store, memory *notes, o Options, people []Person) error {
	w := o.wanted(people)
	for _, read := range []func(context.Context, Store, Options, wanted) error{f.loadImported, f.loadOwners, f.loadAddresses} {
		if err := read(ctx, store, o, w); err != nil {
			return err
		}
	}
	if err := f.loadHints(ctx, store, w, len(people)); err != nil {
		return err
	}
	if memory == nil {
		return nil
	}
	return f.recall(ctx, memory, w)
}

// importedUsers lists who the users of the source with these ids became, by their ids
// there, also those who were erased.
func importedUsers(ctx context.Context, store Store, o Options, ids []string) ([]identity.Imported, error) {
	asked, erased := ids, map[string]string{}
	if o.Erased != nil {
		asked = slices.Clone(ids)
		for _, id := range ids {
			for _, left := range o.Erased(id) {
				asked, erased[left] = append(asked, left), id
			}
		}
	}
	found, err := store.ImportedUsers(ctx, o.Origin, asked)
	for i, f := range found {
		if id, ok := erased[f.SourceID]; ok {
			found[i].SourceID = id
		}
	}
	return found, err
}

// loadImported finds who was imported before.
func (f *facts) loadImported(ctx context.Context, store Store, o Options, w wanted) error {
	before, err := importedUsers(ctx, store, o, w.ids)
	if err != nil {
		return err
	}
	var users []identity.ID
	for _, i := range before {
		users = append(users, i.UserID)
	}
	survivors, err := store.Survivors(ctx, users)
	if err != nil {
		return err
	}
	for _, i := range before {
		u := survivors[i.UserID]
		f.imported[i.SourceID], f.users[u.ID] = u.ID, u
	}
	return nil
}

// loadTakenOff finds what users here have unlinked and removed, or had.
func (f *facts) loadTakenOff(ctx context.Context, store Store, users []identity.ID) error {
	unlinked, err := store.UnlinkedOf(ctx, users)
	if err != nil {
		return err
	}
	for _, i := range unlinked {
		if f.unlinked[i.UserID] == nil {
			f.unlinked[i.UserID] = map[key]bool{}
		}
		f.unlinked[i.UserID][key{i.Provider, i.Subject}] = true
	}
	vouchers, err := store.VouchersOf(ctx, users)
	for _, v := range vouchers {
		if f.vouched[*v.UserID] == nil {
			f.vouched[*v.UserID] = map[string]bool{}
		}
		f.vouched[*v.UserID][v.Address] = true
	}
	return err
}

// loadOwners finds who has the identities, and whom of this source they were. It holds
// everybody who is here already, so that what is decided about them is about how they
// are.
func (f *facts) loadOwners(ctx context.Context, store Store, o Options, w wanted) error {
	var owners []identity.ID
	for provider, list := range w.subjects {
		found, err := store.IdentitiesBySubject(ctx, provider, list)
		if err != nil {
			return err
		}
		for _, i := range found {
			f.owners[key{i.Provider, i.Subject}] = i.UserID
			owners = append(owners, i.UserID)
		}
	}
	slices.SortFunc(owners, func(a, b identity.ID) int { return slices.Compare(a[:], b[:]) })
	owners = slices.Compact(owners)
	here := slices.AppendSeq(slices.Clone(owners), maps.Keys(f.users))
	if len(here) == 0 {
		return nil
	}
	users, err := lockUsers(ctx, store, here)
	if err != nil {
		return err
	}
	maps.Copy(f.users, users)
	leaves, err := store.Deletions(ctx, here)
	if err != nil {
		return err
	}
	for id, l := range leaves {
		f.returning[id] = l.DeletedAt == nil && l.RestoresTo == identity.StatusActive
	}
	if err := f.loadTakenOff(ctx, store, here); err != nil {
		return err
	}
	before, err := store.ImportedAs(ctx, o.Origin, owners)
	for _, i := range before {
		f.cameAs[i.UserID] = append(f.cameAs[i.UserID], i.SourceID)
	}
	return err
}

// lockUsers holds users. One who was merged into another since they were found is
// somebody else by now.
func lockUsers(ctx context.Context, store Store, ids []identity.ID) (map[identity.ID]identity.User, error) {
	locked, err := store.LockUsers(ctx, ids...)
	out := map[identity.ID]identity.User{}
	for _, u := range locked {
		if u.Status == identity.StatusMerged {
			return nil, identity.ErrRaced
		}
		out[u.ID] = u
	}
	return out, err
}

// loadAddresses finds who has the addresses, and which ids are taken.
func (f *facts) loadAddresses(ctx context.Context, store Store, _ Options, w wanted) error {
	emails, err := store.EmailOwners(ctx, w.addresses)
	if err != nil {
		return err
	}
	var claimants []identity.ID
	for _, e := range emails {
		f.claimed[e.Address] = e.UserID
		claimants = append(claimants, e.UserID)
	}
	spellings, err := store.Spellings(ctx, claimants)
	if err != nil {
		return err
	}
	for _, s := range spellings {
		f.spelled[s.UserID] = append(f.spelled[s.UserID], s.Email)
	}
	taken, err := store.TakenIDs(ctx, w.keep, w.ids)
	for _, u := range taken {
		f.taken[u.ID.String()] = true
		if u.ExternalID != nil {
			f.taken["ext:"+*u.ExternalID] = true
		}
	}
	return err
}

func (f *facts) loadHints(ctx context.Context, store Store, w wanted, people int) error {
	showing, err := store.IdentitiesShowing(ctx, w.addresses, 10*people)
	if err != nil {
		return err
	}
	for _, i := range showing {
		f.show(i.Email, i.UserID)
	}
	namesakes, err := store.UsersNamed(ctx, w.names, 20*people)
	for _, u := range namesakes {
		f.name(u.DisplayName, u.AvatarURL, u.ID)
	}
	return err
}

func (f *facts) first(key string, id identity.ID) bool {
	if f.seen[key] == nil {
		f.seen[key] = map[identity.ID]bool{}
	}
	seen := f.seen[key][id]
	f.seen[key][id] = true
	return !seen
}

func (f *facts) show(address string, id identity.ID) {
	if address != "" && f.first("e"+address, id) {
		f.shown[address] = append(f.shown[address], id)
	}
}

func (f *facts) name(name, avatar string, id identity.ID) {
	f.nameAt(name, hostOf(avatar), id)
}

func (f *facts) nameAt(name, host string, id identity.ID) {
	if name != "" && host != "" && f.first("n"+name, id) {
		f.named[name] = append(f.named[name], profile{id: id, host: host})
	}
}

func hostOf(avatar string) string {
	u, err := url.Parse(avatar)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// parseID reads an id that a note has.
func parseID(s string) identity.ID {
	var out identity.ID
	_ = out.UnmarshalText([]byte(s)) // as ID.String wrote it
	return out
}

// recall adds what the batches before would have written.
func (f *facts) recall(ctx context.Context, memory *notes, w wanted) error {
	var identities, taken []string
	for provider, subjects := range w.subjects {
		for _, s := range subjects {
			identities = append(identities, provider+" "+s)
		}
	}
	for _, k := range w.keep {
		taken = append(taken, k.String())
	}
	for _, e := range w.ids {
		taken = append(taken, "ext:"+e)
	}
	for _, step := range []struct {
		kind kind
		keys []string
		each func(r noteRow)
	}{
		{noteOwner, identities, func(r noteRow) {
			provider, subject, _ := strings.Cut(r.k, " ")
			u := parseID(r.v)
			f.owners[key{provider, subject}] = u
			if !slices.Contains(f.cameAs[u], r.w) {
				f.cameAs[u] = append(f.cameAs[u], r.w)
			}
		}},
		{noteClaim, w.addresses, func(r noteRow) {
			f.claimed[r.k] = parseID(r.v)
			f.spelled[parseID(r.v)] = append(f.spelled[parseID(r.v)], r.w)
		}},
		{noteShown, w.addresses, func(r noteRow) { f.show(r.k, parseID(r.v)) }},
		{noteNamed, w.names, func(r noteRow) { f.nameAt(r.k, r.w, parseID(r.v)) }},
		{noteTaken, taken, func(r noteRow) { f.taken[r.k] = true }},
	} {
		if err := memory.recall(ctx, step.kind, step.keys, step.each); err != nil {
			return err
		}
	}
	return nil
}
