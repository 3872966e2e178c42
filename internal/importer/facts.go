package importer

import (
	"context"
	"net/url"

	"github.com/latchkey/latchkey/identity"
)

// facts are what a batch is decided by, read in a constant number of queries.
type facts struct {
	imported map[string]bool                 // source ids
	owners   map[[2]string]identity.ID       // by provider and subject
	claimed  map[string]identity.ID          // by verified address
	spelled  map[identity.ID][]string        // how sources spelled their verified addresses
	shown    map[string][]identity.ID        // by address that an identity shows
	named    map[string][]profile            // by display name
	users    map[identity.ID]identity.User   // who were here before
	seen     map[string]map[identity.ID]bool // guards shown and named against repetition
}

type profile struct {
	id   identity.ID
	host string // of the avatar
}

func newFacts() *facts {
	return &facts{
		imported: map[string]bool{}, owners: map[[2]string]identity.ID{}, claimed: map[string]identity.ID{},
		spelled: map[identity.ID][]string{}, shown: map[string][]identity.ID{}, named: map[string][]profile{},
		users: map[identity.ID]identity.User{}, seen: map[string]map[identity.ID]bool{},
	}
}

// hintsPerPerson bounds how many hints one person gives: a name that hundreds
// have says nothing.
const hintsPerPerson = 3

// load reads what bears on these people.
func (f *facts) load(ctx context.Context, store Store, origin string, people []Person) error {
	var ids, addresses, names []string
	subjects := map[string][]string{}
	for _, p := range people {
		if usableID(p.ID) {
			ids = append(ids, p.ID)
		}
		if a, err := identity.CanonicalEmail(p.Email); err == nil {
			addresses = append(addresses, a)
			subjects[identity.ProviderEmail] = append(subjects[identity.ProviderEmail], a)
		}
		if name := identity.OneLine(p.Name, maxName); name != "" {
			names = append(names, name)
		}
		for _, a := range p.Accounts {
			if w, reason := readAccount(a); reason == "" && w.provider != identity.ProviderEmail {
				subjects[w.provider] = append(subjects[w.provider], w.subject)
			}
		}
	}
	done, err := store.ImportedIDs(ctx, origin, ids)
	if err != nil {
		return err
	}
	for _, id := range done {
		f.imported[id] = true
	}
	if err := f.loadOwners(ctx, store, subjects, addresses); err != nil {
		return err
	}
	return f.loadHints(ctx, store, addresses, names, len(people))
}

func (f *facts) loadOwners(ctx context.Context, store Store, subjects map[string][]string, addresses []string) error {
	var before []identity.ID
	for provider, list := range subjects {
		found, err := store.IdentitiesBySubject(ctx, provider, list)
		if err != nil {
			return err
		}
		for _, i := range found {
			f.owners[[2]string{i.Provider, i.Subject}] = i.UserID
			before = append(before, i.UserID)
		}
	}
	if len(before) > 0 {
		users, err := store.LockUsers(ctx, before...)
		if err != nil {
			return err
		}
		for _, u := range users {
			f.users[u.ID] = u
		}
	}
	emails, err := store.EmailOwners(ctx, addresses)
	if err != nil {
		return err
	}
	var claimants []identity.ID
	for _, e := range emails {
		f.claimed[e.Address] = e.UserID
		claimants = append(claimants, e.UserID)
	}
	spellings, err := store.Spellings(ctx, claimants)
	for _, s := range spellings {
		f.spelled[s.UserID] = append(f.spelled[s.UserID], s.Email)
	}
	return err
}

func (f *facts) loadHints(ctx context.Context, store Store, addresses, names []string, people int) error {
	showing, err := store.IdentitiesShowing(ctx, addresses, 10*people)
	if err != nil {
		return err
	}
	for _, i := range showing {
		f.show(i.Email, i.UserID)
	}
	namesakes, err := store.UsersNamed(ctx, names, 20*people)
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
	if host := hostOf(avatar); name != "" && host != "" && f.first("n"+name, id) {
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
