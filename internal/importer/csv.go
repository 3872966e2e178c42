package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvFile is a CSV file with its columns found.
type csvFile struct {
	in      *records
	header  []string
	columns map[string]int // by the name of a csvColumn, or "app NAME"
	faults  []Fault
}

// csvColumn is a column by the names that exports give it.
type csvColumn struct {
	name    string
	aliases []string // flat, the best first
}

var csvColumns = append([]csvColumn{
	{"id", []string{"id", "userid", "uid", "localid"}},
	{"email", []string{"email", "emailaddress", "mail", "primaryemailaddress", "primaryemail", "useremail"}},
	{"verified", []string{"emailverified", "verified", "emailconfirmed", "emailverifiedat", "emailconfirmedat", "isemailverified", "isverified", "confirmed"}},
	{"name", []string{"name", "displayname", "fullname", "username", "nickname"}},
	{"first", []string{"firstname", "givenname"}},
	{"last", []string{"lastname", "familyname", "surname"}},
	{"image", []string{"image", "imageurl", "avatar", "avatarurl", "picture", "photo", "photourl", "profileimageurl"}},
	{"created", []string{"createdat", "created", "creationtime", "createdon", "creationdate", "registeredat", "signedupat"}},
	{"provider", []string{"provider", "accountprovider", "oauthprovider"}},
	{"subject", []string{"subject", "provideraccountid", "provideruserid", "providersubject", "accountid", "sub", "providerid"}},
	{"chain", []string{"chainid", "chain"}},
	{"wallet", []string{"wallet", "walletaddress", "ethereumaddress", "ethaddress"}},
	{"verifiedlist", []string{"verifiedemailaddresses"}},
	{"unverifiedlist", []string{"unverifiedemailaddresses"}},
}, commonColumns()...)

func commonColumns() []csvColumn {
	var out []csvColumn
	for _, f := range commonFields {
		c := csvColumn{name: f.name}
		for _, name := range f.columns {
			c.aliases = append(c.aliases, flat(name))
		}
		out = append(out, c)
	}
	return out
}

// separators are what files called CSV have between their fields.
const separators = ",;\t|"

// openCSV finds out how the file is written, and reads its header.
func openCSV(from io.Reader, settings Settings) (*csvFile, error) {
	in := bufio.NewReaderSize(from, 1<<16)
	f := &csvFile{columns: map[string]int{}}
	head, err := in.Peek(1 << 15)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--source: %w", err)
	}
	first, _, _ := strings.Cut(string(head), "\n")
	f.in = &records{in: in, comma: separatorOf(first)}
	if by, ok := strings.CutPrefix(strings.ToLower(strings.Trim(first, "\" ")), "sep="); ok && len(by) == 1 {
		// Spreadsheets write it for each other.
		f.in.comma = rune(by[0])
		_, _ = f.in.next()
	}
	header, err := f.in.read(nil)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("--source: the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("--source: the first line names the columns: %w", err)
	}
	for _, name := range header {
		f.header = append(f.header, strings.Clone(strings.TrimSpace(name)))
	}
	return f, f.find(settings)
}

// separatorOf is the separator by which most of the names of columns are known.
func separatorOf(header string) rune {
	best, most := ',', 0
	for _, by := range separators {
		known := 0
		for name := range strings.SplitSeq(header, string(by)) {
			name = flat(strings.Trim(strings.TrimSpace(name), `"`))
			for _, c := range csvColumns {
				for _, alias := range c.aliases {
					if alias == name {
						known++
					}
				}
			}
		}
		if known > most {
			best, most = by, known
		}
	}
	return best
}

// find finds the columns. Two of one name leave open which one is meant.
func (f *csvFile) find(settings Settings) error {
	at := map[string]int{}
	for i, name := range f.header {
		if before, twice := at[flat(name)]; twice && name != "" {
			return fmt.Errorf("--source: the columns %d and %d are both called %q: remove one", before+1, i+1, clip(name))
		}
		at[flat(name)] = i
	}
	used := map[int]bool{}
	for _, c := range csvColumns {
		for _, alias := range c.aliases {
			i, have := at[alias]
			if _, found := f.columns[c.name]; have && !found && !used[i] {
				f.columns[c.name], used[i] = i, true
			}
		}
	}
	for _, name := range settings.Metadata {
		i, have := at[flat(name)]
		if !have {
			return fmt.Errorf("--metadata: there is no column %s", name)
		}
		f.columns["app "+name], used[i] = i, true
	}
	for i, name := range f.header {
		if !used[i] && name != "" {
			f.faults = append(f.faults, Fault{Reason: "column that is not read; --metadata keeps it as app_metadata", Column: name})
		}
	}
	if _, ok := f.columns["id"]; !ok {
		return errors.New("--source: there is no column id; the first line has to name the columns")
	}
	return nil
}

// row is a line of a CSV file.
type row struct {
	file   *csvFile
	fields []string
	line   int
}

// get is a field by the name of its column.
func (r row) get(name string) string {
	if i, ok := r.file.columns[name]; ok && i < len(r.fields) {
		return strings.Clone(strings.TrimSpace(r.fields[i]))
	}
	return ""
}

func (r row) column(name string) string {
	if i, ok := r.file.columns[name]; ok {
		return r.file.header[i]
	}
	return name
}

// record is the row as a database would have it, with the columns of commonFields.
func (r row) record() record {
	out := record{}
	for name := range r.file.columns {
		out[name] = r.get(name)
	}
	return out
}

// each calls f with each row. What is no row of the table is named.
func (f *csvFile) each(do func(r row) error) error {
	for {
		fields, err := f.in.read(f.misshapen)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if broken, ok := errors.AsType[*brokenLine](err); ok {
			f.faults = append(f.faults, Fault{Skipped: true, Reason: broken.reason, Line: broken.line})
			continue
		}
		if err != nil {
			return fmt.Errorf("--source: %w", err)
		}
		if strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue // spreadsheets write rows that were emptied
		}
		if err := do(row{f, fields, f.in.line}); err != nil {
			return err
		}
	}
}

// misshapen says why a line does not fit under the header.
func (f *csvFile) misshapen(fields []string) string {
	n := len(fields)
	for n > len(f.header) && strings.TrimSpace(fields[n-1]) == "" {
		n--
	}
	switch {
	case n > len(f.header):
		return "line with more fields than there are columns"
	case n < len(f.header):
		return "line with fewer fields than there are columns"
	}
	return ""
}

// fromCSV reads people from a CSV file.
func fromCSV(ctx context.Context, s *spool, from io.Reader, person func(r row) Person) error {
	f, err := openCSV(from, s.settings)
	if err != nil {
		return err
	}
	err = f.each(func(r row) error {
		p := person(r)
		for _, name := range s.settings.Metadata {
			if v := r.get("app " + name); v != "" {
				p.app(name, v)
			}
		}
		return s.add(ctx, p)
	})
	s.found = append(s.found, f.faults...)
	return err
}

// csvPerson reads a line of a plain CSV file: a person, or one more account of theirs.
func (s *spool) csvPerson(r row) Person {
	p := Person{ID: r.get("id"), Line: r.line, Name: r.get("name"), Image: r.get("image")}
	if full := strings.TrimSpace(r.get("first") + " " + r.get("last")); full != "" && (p.Name == "" || flat(r.column("name")) == "username" || flat(r.column("name")) == "nickname") {
		p.Name = full
	}
	raw := r.get("verified")
	verified, known := truth(raw)
	if !known {
		p.Faults = append(p.Faults, Fault{
			Reason: "mark of a verified address that cannot be read: not taken for verified", Line: r.line, Column: r.column("verified"), Value: raw,
		})
	}
	if email := r.get("email"); email != "" {
		p.Addresses = []Address{{Email: email, Verified: verified && known, Said: raw != "" && known, Line: r.line}}
	} else if verified && known {
		p.Faults = append(p.Faults, Fault{Reason: "mark of a verified address without an address", Line: r.line, Column: r.column("verified"), Value: raw})
	}
	readCommon(r.record(), &p, s.settings.Now(), r.column)
	for i := range p.Faults {
		p.Faults[i].Line = r.line
	}
	if provider := r.get("provider"); provider != "" {
		a := Account{Provider: provider, Subject: r.get("subject"), Line: r.line, ChainID: p.readChain(r.get("chain"), r.column("chain"), r.line)}
		if mailed, _ := (Providers)(nil).read(a); mailed.provider == "email" {
			a.Email = r.get("email")
		}
		p.Accounts = append(p.Accounts, a)
	}
	if address := r.get("wallet"); address != "" {
		a := Account{Provider: "siwe", Subject: address, Line: r.line}
		if r.get("provider") == "" {
			a.ChainID = p.readChain(r.get("chain"), r.column("chain"), r.line)
		}
		p.Accounts = append(p.Accounts, a)
	}
	return p
}
