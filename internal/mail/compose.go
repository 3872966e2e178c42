package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"maps"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/latchkey/latchkey/identity"
)

// The mail NAME has, in a folder for each language, NAME.txt with the templates "subject"
// and "text", and NAME.html with "content", which layout.html surrounds.
//
//go:embed templates
var files embed.FS

type letter struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

type kind struct {
	language identity.Language
	template identity.MailTemplate
}

var letters = parse(identity.MailProof, identity.MailNotice, identity.MailInvitation)

var functions = map[string]any{"inert": inert}

func parse(names ...identity.MailTemplate) map[kind]letter {
	out := map[kind]letter{}
	for _, language := range []identity.Language{identity.English, identity.German} {
		for _, name := range names {
			file := "templates/" + string(language) + "/" + string(name)
			out[kind{language, name}] = letter{
				text: texttemplate.Must(texttemplate.New("").Funcs(functions).Option("missingkey=error").ParseFS(files, file+".txt")),
				html: htmltemplate.Must(htmltemplate.New("").Funcs(functions).Option("missingkey=error").ParseFS(files, "templates/layout.html", file+".html")),
			}
		}
	}
	return out
}

// compose writes a mail of the service at host, in the language that it asks for if there
// is one, otherwise in English.
func compose(m identity.Mail, host string, brand Brand) (Message, error) {
	language := identity.PreferredLanguage(string(m.Language))
	l, ok := letters[kind{language, m.Template}]
	if !ok {
		return Message{}, fmt.Errorf("mail: there is no template %q", m.Template)
	}
	data := maps.Clone(m.Data)
	if data == nil {
		data = map[string]string{}
	}
	maps.Copy(data, brand.words(host))
	data["language"] = string(language)
	var subject, text, html strings.Builder
	if err := l.text.ExecuteTemplate(&subject, "subject", data); err != nil {
		return Message{}, err
	}
	data["subject"] = oneLine(subject.String())
	if err := l.text.ExecuteTemplate(&text, "text", data); err != nil {
		return Message{}, err
	}
	if err := l.html.ExecuteTemplate(&html, "layout", data); err != nil {
		return Message{}, err
	}
	return Message{To: m.To, Subject: data["subject"], Text: text.String(), HTML: html.String()}, nil
}

// oneLine prevents a value from ending its header and starting another.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
