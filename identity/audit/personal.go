package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
)

// Members of an event's data.
const (
	// SealedMember holds the personal values of an event, as ciphertext.
	SealedMember = "sealed"
	// ErasedMember is shown in place of values whose keys are gone.
	ErasedMember = "erased"
)

// Values are personal values of an event.
type Values struct {
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Data      identity.Metadata `json:"data,omitempty"`
}

// Part is those values of an event that are about one person.
type Part struct {
	Owner Owner
	Values
}

// Owner is whom values are about: a user, or somebody of whom only an address or an
// identity is known. The zero Owner is unknown.
type Owner struct {
	User  identity.ID
	About string // see AddressOwner and SubjectOwner
}

// UserOwner is a user.
func UserOwner(id identity.ID) Owner { return Owner{User: id} }

// AddressOwner is the person behind an e-mail or a wallet address.
func AddressOwner(address string) Owner { return Owner{About: "address\n" + address} }

// SubjectOwner is the person behind an identity.
func SubjectOwner(provider, subject string) Owner {
	return Owner{About: "subject\n" + provider + "\n" + subject}
}

// Value is the address or the subject that an owner is known by, "" for a user.
func (o Owner) Value() string {
	return o.About[strings.LastIndex(o.About, "\n")+1:]
}

// Key is an owner in the store: a user's id, or a hash under secret. It is nil for the
// zero Owner.
func (o Owner) Key(secret []byte) []byte {
	switch {
	case o.About != "":
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(o.About))
		return mac.Sum(nil)
	case o.User != identity.ID{}:
		return o.User[:]
	}
	return nil
}

// plainMembers are texts in the data of events that say nothing about a person. Texts
// of all other members are sealed.
var plainMembers = map[string]bool{
	"alg": true, "app_code": true, "before": true, "by": true, "client": true, "client_id": true, "code": true, "decision": true,
	"digest": true, "document_hash": true, "email_domains": true, "fields": true, "fingerprint": true, "former_hash": true, "hash": true, "hook": true, "inputs": true, "kid": true,
	"kind": true, "mail": true, "name": true, "policy": true, "prefix": true, "provider": true, "providers": true, "proves": true,
	"purpose": true, "redirect_uris": true, "resources": true, "role": true, "scopes": true, "terms_version": true, "uri": true,
	"url": true, "void_reason": true,
}

// personal reports whether a member of an event's data is about a person. Ids,
// numbers, times and the words of enumerations, which have types of their own, are
// not. Everything else is, unless its member is on the list.
func personal(name string, value any) bool {
	switch v := value.(type) {
	case nil, identity.ID, *identity.ID, []identity.ID, time.Time, *time.Time:
		return false
	case string:
		return v != "" && !plainMembers[name] && (name != "reason" || !isWord(v))
	}
	t := reflect.TypeOf(value)
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return false
	case reflect.String:
		if t != reflect.TypeFor[string]() {
			return false
		}
	}
	return !plainMembers[name]
}

// isWord reports whether a reason is one of ours, and not what somebody wrote.
func isWord(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// personalStored is personal of a value that was read back: its type is gone, so more is
// sealed than has to be.
func personalStored(name string, value any) bool {
	switch v := value.(type) {
	case nil, bool, float64:
		return false
	case string:
		if v == "" || plainMembers[name] || name == "reason" && isWord(v) {
			return false
		}
		if _, err := uuid.Parse(v); err == nil {
			return false
		}
		_, err := time.Parse(time.RFC3339Nano, v)
		return err != nil
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return personalStored(name, e) })
	}
	return !plainMembers[name]
}

// Split takes the personal values off an event.
func Split(e identity.Event) (identity.Event, []Part) { return split(e, personal) }

// SplitStored is Split of an event that was stored with them in plain.
func SplitStored(e identity.Event) (identity.Event, []Part) { return split(e, personalStored) }

func split(e identity.Event, personal func(name string, value any) bool) (identity.Event, []Part) {
	var parts []Part
	of := func(o Owner) *Values {
		for i := range parts {
			if parts[i].Owner == o {
				return &parts[i].Values
			}
		}
		parts = append(parts, Part{Owner: o})
		return &parts[len(parts)-1].Values
	}
	who, from := owners(e)
	if e.IP != "" || e.UserAgent != "" {
		v := of(from)
		v.IP, v.UserAgent = e.IP, e.UserAgent
		e.IP, e.UserAgent = "", ""
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(e.Data)), func(n string) bool { return !personal(n, e.Data[n]) })
	if len(names) > 0 {
		e.Data = maps.Clone(e.Data)
	}
	for _, name := range names {
		v := of(ownerOf(e, name, who))
		if v.Data == nil {
			v.Data = identity.Metadata{}
		}
		v.Data[name] = e.Data[name]
		delete(e.Data, name)
	}
	return e, parts
}

// owners are whom an event's data is about, and where it came from.
func owners(e identity.Event) (who, from Owner) {
	switch {
	case e.UserID != nil:
		who = UserOwner(*e.UserID)
	case e.ActorID != nil:
		who = UserOwner(*e.ActorID)
	}
	if from = who; e.ActorID != nil {
		from = UserOwner(*e.ActorID)
	}
	provider, _ := e.Data["provider"].(string)
	subject, _ := e.Data["subject"].(string)
	switch {
	case subject == "":
	case e.Action == identity.ActionProofRefused:
		// The proof is that of somebody who may become a user, and the user that of whom
		// they were refused for.
		if who = SubjectOwner(provider, subject); e.ActorID == nil {
			from = who
		}
	case e.Action == identity.ActionProofVouched: // by a backend, whose network it is
		who = SubjectOwner(provider, subject)
	}
	return who, from
}

// ownerOf is whom a member of an event's data is about.
func ownerOf(e identity.Event, name string, who Owner) Owner {
	switch {
	case name == "emails" && e.Action == identity.ActionUserMerged:
		switch source := e.Data["from"].(type) { // undo may part them again
		case identity.ID:
			return UserOwner(source)
		case string:
			if id, err := uuid.Parse(source); err == nil {
				return UserOwner(id)
			}
		}
	case (name == "email" || name == "wallet") && strings.HasPrefix(string(e.Action), "invitation."):
		if to, ok := e.Data[name].(string); ok {
			return AddressOwner(to)
		}
	}
	return who
}

var errNotSealed = errors.New("audit: the values were not sealed under this key")

// Seal returns values as ciphertext under a key that is derived from a secret and a
// salt. No two may have the same salt.
func (v Values) Seal(secret, salt []byte) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	aead := sealer(secret, salt)
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nil, make([]byte, aead.NonceSize()), plain, nil)), nil //nolint:gosec // a key seals once, see above
}

// Open reads what Seal returned.
func Open(sealed string, secret, salt []byte) (v Values, err error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return v, errNotSealed
	}
	aead := sealer(secret, salt)
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), raw, nil)
	if err != nil {
		return v, errNotSealed
	}
	return v, json.Unmarshal(plain, &v)
}

// sealer seals once: its key is used for one text, so the nonce is always zero.
func sealer(secret, salt []byte) cipher.AEAD {
	mac := hmac.New(sha256.New, secret)
	mac.Write(salt)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic(err) // only for other lengths than SHA-256 has
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for blocks other than AES
	}
	return aead
}

// Unseal puts the values of an event back, as open returns them by the number of
// their part; false where a key is gone.
func Unseal(e *identity.Event, open func(part int, sealed string) (Values, bool)) {
	texts, ok := e.Data[SealedMember].([]any)
	if !ok {
		return
	}
	e.Data = maps.Clone(e.Data)
	delete(e.Data, SealedMember)
	for part, text := range texts {
		sealed, _ := text.(string)
		v, ok := open(part, sealed)
		if !ok {
			e.Data[ErasedMember] = true
			continue
		}
		if v.IP != "" || v.UserAgent != "" {
			e.IP, e.UserAgent = v.IP, v.UserAgent
		}
		maps.Copy(e.Data, v.Data)
	}
}
