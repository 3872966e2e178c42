package identity

import "strings"

// Language is a language that mails and pages are written in, as a BCP 47 tag. The zero
// value is English.
type Language string

// The languages of mails and pages.
const (
	English Language = "en"
	German  Language = "de"
)

// PreferredLanguage returns the first language of an Accept-Language (RFC 9110, section
// 12.5.4) that mails and pages are written in, otherwise English. Weights are not read:
// browsers list by preference.
func PreferredLanguage(accept string) Language {
	for item := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(item), ";")
		primary, _, _ := strings.Cut(tag, "-")
		for _, known := range []Language{English, German} {
			if strings.EqualFold(primary, string(known)) {
				return known
			}
		}
	}
	return English
}
