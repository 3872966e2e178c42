package importer_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/latchkey/latchkey/internal/importer"
)

func utf16Of(s string, order binary.AppendByteOrder, mark bool) string {
	units := utf16.Encode([]rune(s))
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range units {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// However a spreadsheet writes the file, the people in it are the same.
func TestCSVIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	const table = "id,email,email_verified,name\n1,ada@example.com,true,Zoë\n2,bob@example.com,false,\"Bob, \"\"the\"\" 2nd\"\n"
	by := func(separator string) string {
		return "id" + separator + "email" + separator + "email_verified" + separator + "name\n1" + separator + "ada@example.com" + separator +
			"true" + separator + "Zoë\n2" + separator + "bob@example.com" + separator + "false" + separator + "\"Bob, \"\"the\"\" 2nd\"\n"
	}
	for what, content := range map[string]string{
		"plain":                  table,
		"no end of the last":     strings.TrimSuffix(table, "\n"),
		"semicolons":             by(";"),
		"tabs":                   by("\t"),
		"bars":                   by("|"),
		"sep=":                   "sep=;\r\n" + strings.ReplaceAll(by(";"), "\n", "\r\n"),
		"CRLF":                   strings.ReplaceAll(table, "\n", "\r\n"),
		"CR":                     strings.ReplaceAll(table, "\n", "\r"),
		"a byte order mark":      "\ufeff" + table,
		"UTF-16, little":         utf16Of(table, binary.LittleEndian, true),
		"UTF-16, big":            utf16Of(table, binary.BigEndian, true),
		"UTF-16 without mark":    utf16Of(table, binary.LittleEndian, false),
		"other names of columns": strings.Replace(table, "id,email,email_verified,name", "User ID,E-Mail,Email Verified,Display-Name", 1),
		"empty fields behind":    strings.ReplaceAll(table, "\n", ",,\n"),
	} {
		people, faults := peopleOf(t, importer.CSV, writeFile(t, "users.csv", content))
		wantPeople(t, what, people, "1 Zoë ada@example.com+", `2 Bob, "the" 2nd bob@example.com`)
		if len(faults) > 0 {
			t.Errorf("%s: %s", what, reasons(faults))
		}
	}
	people, faults := peopleOf(t, importer.CSV, writeFile(t, "users.csv", "id,name\n1,Zo\xeb\n2,Zoë\n"))
	wantPeople(t, "Latin-1", people, "1 Zoë", "2 Zoë")
	if got := reasons(faults); got != "line 2 line that is not UTF-8: read as Latin-1 (Windows-1252)" {
		t.Errorf("Latin-1: %s", got)
	}
}

// What a line says that does not become a user is named, with its line.
func TestCSVNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	people, faults := peopleOf(t, importer.CSV, writeFile(t, "users.csv", strings.Join([]string{
		"id,email,email_verified,name,provider,subject,chain_id,shoe size",
		"1,ada@example.com,true,Ada,google,1001,,",
		"1,bob@example.com,true,Bob,github,2,,",    // another person
		"1,ada@work.example,true,Ada,email,,,",     // another address
		"1,ada@example.com,false,Ada L,github,3,,", // contradicts line 2, another name
		",nobody@example.com,true,,,,,",            // no id
		"2,x@example.com,maybe,X,,,,",              // a mark that cannot be read
		"3,,true,Y,github,4,,",                     // a mark of nothing
		"4,,,Z,wallet,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed,polygon,",
		"5,too,few",
		"6,a,b,c,d,e,f,g,too many",
		"7,\"a\"b,true,,,,,",
		"8,c@example.com,TRUE,C,,,,",
	}, "\n")))
	wantPeople(t, "people", people,
		"1 Ada ada@example.com! ada@work.example+ google:1001 email github:3",
		"2 X x@example.com", "3 Y github:4", "4 Z wallet:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "8 C c@example.com+")
	got := reasons(faults)
	for _, want := range []string{
		`column shoe size column that is not read; --metadata keeps it as app_metadata`,
		"line 3 another person under the same id",
		"line 5 second name under one id: the first one counts",
		"line 6 no id",
		"line 7, column email_verified mark of a verified address that cannot be read: not taken for verified",
		"line 8, column email_verified mark of a verified address without an address",
		"line 9, column chain_id chain that is no number: the wallet is taken over without",
		"line 10 line with fewer fields than there are columns",
		"line 11 line with more fields than there are columns",
		"line 12 line that is no CSV: extraneous or missing \" in quoted-field",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not named: %s", want)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 10 {
		t.Errorf("%d are named:\n%s", n, got)
	}
}

// A restriction that cannot be read holds.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"banned:":                             "",
		"banned:false":                        "",
		"banned:0":                            "",
		"banned:true":                         "banned",
		"isBanned:1":                          "banned",
		"banned:perhaps":                      "banned named",
		"blocked:yes":                         "banned",
		"disabled:2020-01-01T00:00:00Z":       "banned",
		"suspended:permanently":               "banned named",
		"is_active:false":                     "banned",
		"is_active:true":                      "",
		"is_active:dormant":                   "banned named",
		"banned,ban_expires:true,":            "banned",
		"banned,ban_expires:true,2999-01-01":  "banned 2999-01-01",
		"banned,ban_expires:true,2020-01-01":  "",
		"banned,ban_expires:false,2999-01-01": "",
		"banned,ban_expires:true,next year":   "banned named",
		"banned,ban_expires:false,next year":  "",
		"banned_until:":                       "",
		"banned_until:2999-01-01 00:00:00+00": "banned 2999-01-01",
		"banned_until:2020-01-01":             "",
		"banned_until:infinity":               "banned",
		"banned_until:soon":                   "banned named",
		"deleted_at:":                         "",
		"deleted_at:2020-01-01":               "deleted",
		"deleted:gone":                        "banned named",
		"banned,disabled:false,true":          "banned",
		"status:active":                       "",
		"status:Suspended":                    "banned",
		"account_status:blocked":              "banned",
		"status:pending":                      " named",

		"banned,disabled,ban_expires:false,true,2020-01-01":        "banned",
		"suspended,disabled,suspendedUntil:false,true,2020-01-01":  "banned",
		"suspended,disabled,suspended_until:true,false,2020-01-01": "",
		"banned,suspended,suspended_until:false,true,2999-01-01":   "banned 2999-01-01",
		"blocked,ban_expires:true,2999-01-01":                      "banned 2999-01-01",
	} {
		columns, values, _ := strings.Cut(fields, ":")
		people, faults := peopleOf(t, importer.CSV, writeFile(t, "users.csv", "id,"+columns+"\n1,"+values+"\n"))
		if len(people) != 1 {
			t.Fatalf("%s: %v", fields, people)
		}
		got := strings.TrimSpace(strings.TrimPrefix(short(people)[0], "1"))
		if len(faults) > 0 {
			got += " named"
		}
		if got != want {
			t.Errorf("%s: %q, want %q: %s", fields, got, want, reasons(faults))
		}
	}
}

// A quote that is not closed costs its own line, and a field may have several lines.
func TestCSVQuotes(t *testing.T) {
	t.Parallel()
	const header = "id,email,name\n1,a@example.com,A\n"
	for broken, want := range map[string]string{
		"2,b@example.com,\"B\n3,c@example.com,C\n4,d@example.com,\"D, E\"\n":              "1 A|3 C|4 D, E",
		"2,b@example.com,\"B\n3,c@example.com,C\n":                                        "1 A|3 C",
		"2,b@example.com,\"B\n3,c@example.com,\"\"\n4,d@example.com,D\n":                  "1 A|3|4 D",
		"2,b@example.com,\"B\n3,c@example.com,C\"\n4,d@example.com,D":                     "1 A|2 B\n3,c@example.com,C|4 D",
		"2,b@example.com,\"B\" B\n3,c@example.com,C":                                      "1 A|3 C",
		"2,\"b@example.com\n3,c@example.com,C\n4,\"d@example.com\",D":                     "1 A|3 C|4 D",
		"2,b@example.com,\"B \"\"x\"\"\nB\"\n,,\n  \n3,c@example.com,C":                   "1 A|2 B \"x\"\nB|3 C",
		"2,b@example.com,\"" + strings.Repeat("x\n", 1000) + "3,c@example.com,C\n4,d,D\n": "1 A|3 C|4 D",
	} {
		people, faults := peopleOf(t, importer.CSV, writeFile(t, "users.csv", header+broken))
		var got []string
		for _, p := range people {
			got = append(got, strings.TrimSpace(p.ID+" "+p.Name))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: %q, want %q: %s", broken[:min(60, len(broken))], got, want, reasons(faults))
		}
		if last := people[len(people)-1]; last.Line != strings.Count(strings.TrimSuffix(header+broken, "\n"), "\n")+1 {
			t.Errorf("%q: the last one is in line %d", broken[:min(60, len(broken))], last.Line)
		}
		if lost := strings.Contains(want, "2"); lost == strings.Contains(reasons(faults), "line 3 line") {
			t.Errorf("%q: named are %s", broken[:min(60, len(broken))], reasons(faults))
		}
	}
}
