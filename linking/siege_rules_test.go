package linking_test

import (
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// opens is what the rules say of a proof: whether it opens an account.
func (s *siege) opens(p identity.Proof, id identity.ID) bool {
	k, id := key(p), s.now(id)
	if home, linked := s.home[k]; linked {
		alone := p.Provider == identity.ProviderEmail && s.contested(p, id) && s.identities(id) > 1
		return s.now(home) == id && !alone
	}
	return s.policy == linking.PolicyAuto && p.VerifiedEmail() != "" && s.owns(id, p.Email) && !s.contested(p, id) && !s.unlinked(k, id)
}

func (s *siege) identities(id identity.ID) (n int) {
	for _, home := range s.home {
		if s.now(home) == id {
			n++
		}
	}
	return n
}

// owns reports whether an identity of the account last said that the address is
// its own, and the account has not removed the address since.
func (s *siege) owns(id identity.ID, address string) bool {
	removed := -1
	for n, e := range s.diary {
		if e.what == "remove" && e.address == address && s.now(e.account) == id {
			removed = n
		}
	}
	for k, home := range s.home {
		if s.now(home) != id {
			continue
		}
		last, brought := entry{}, -1
		for n, e := range s.diary {
			switch {
			case e.by != k:
			case e.what == "unlink":
				last, brought = entry{}, -1
			case e.what == "proof" && e.account != identity.ID{} && e.said:
				last = e
				if e.linked && e.address == address {
					brought = n
				}
			}
		}
		if last.address == address && (removed < 0 || brought > removed) {
			return true
		}
	}
	return false
}

// contested reports whether the diary has anyone else with the address.
func (s *siege) contested(p identity.Proof, id identity.ID) bool {
	k := key(p)
	for n, e := range s.diary {
		if e.what != "proof" || e.address != p.Email {
			continue
		}
		provider, _, _ := strings.Cut(e.by, " ")
		refused := e.account == identity.ID{}
		switch {
		case provider == p.Provider && e.by != k:
			return true
		case !refused && s.now(e.account) == id, refused && (e.by == k || s.acceptedSince(n)), s.settledSince(n, id):
		default:
			return true
		}
	}
	return false
}

// acceptedSince reports whether the identity of a refused proof was let in later,
// with the same address: then that is what counts.
func (s *siege) acceptedSince(n int) bool {
	return slices.ContainsFunc(s.diary[n+1:], func(e entry) bool {
		return e.what == "proof" && e.by == s.diary[n].by && e.address == s.diary[n].address && e.account != identity.ID{}
	})
}

// settledSince reports whether the account said that the address is its own after the
// first such entry of the same identity. By mail it is the first that let the identity
// into the same account, and each that was refused counts.
func (s *siege) settledSince(n int, id identity.ID) bool {
	of := s.diary[n]
	provider, _, _ := strings.Cut(of.by, " ")
	if byMail := provider == identity.ProviderEmail; !byMail || of.account != (identity.ID{}) {
		n = slices.IndexFunc(s.diary, func(e entry) bool {
			return e.what == "proof" && e.by == of.by && e.address == of.address && (!byMail || e.account == of.account)
		})
	}
	return slices.ContainsFunc(s.diary[n+1:], func(e entry) bool {
		return e.what == "settle" && e.address == of.address && s.now(e.account) == id
	})
}

// unlinked reports whether the account unlinked the identity, and has not linked it
// since.
func (s *siege) unlinked(k string, id identity.ID) bool {
	out := false
	for _, e := range s.diary {
		if e.by == k && (e.account != identity.ID{}) && s.now(e.account) == id {
			out = e.what == "unlink" || out && (e.what != "proof" || !e.linked)
		}
	}
	return out
}
