package tracing

import "strings"

// maxText bounds what is kept of a statement, in bytes.
const maxText = 2 << 10

// Scrub returns a statement without the values that are written in it: texts, numbers and
// truth values become ?, as the semantic conventions for databases want. Names stay, and so
// do NULL and the names of parameters, such as $1. White space becomes one space.
func Scrub(statement string) string {
	var out strings.Builder
	for i := 0; i < len(statement) && out.Len() < maxText; {
		switch c := statement[i]; {
		case c == '\'':
			i = afterText(statement, i, false)
			out.WriteByte('?')
		case c == '"' || c == '`':
			end := afterText(statement, i, false)
			out.WriteString(statement[i:end])
			i = end
		case c == '$' && i+1 < len(statement) && !isDigit(statement[i+1]):
			i = afterDollars(statement, i)
			out.WriteByte('?')
		case strings.HasPrefix(statement[i:], "--"):
			i = after(statement, i, "\n")
			space(&out)
		case strings.HasPrefix(statement[i:], "/*"):
			i = after(statement, i, "*/")
			space(&out)
		case isSpace(c):
			for i < len(statement) && isSpace(statement[i]) {
				i++
			}
			space(&out)
		case c == '$' || c == '?' || c == ':' || c == '@' || isWord(c):
			end := i + 1
			for end < len(statement) && (isWord(statement[end]) || isDigit(c) && statement[end] == '.') {
				end++
			}
			word := statement[i:end]
			if strings.EqualFold(word, "e") && end < len(statement) && statement[end] == '\'' {
				word, end = "?", afterText(statement, end, true) // PostgreSQL's text with backslashes
			} else if isDigit(c) || strings.EqualFold(word, "true") || strings.EqualFold(word, "false") {
				word = "?"
			}
			out.WriteString(word)
			i = end
		default:
			out.WriteByte(c)
			i++
		}
	}
	text := strings.TrimSpace(out.String())
	if len(text) >= maxText {
		text = text[:maxText] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}

// afterText returns where a text ends that begins with a quote. Two quotes are one in it.
// Without an end it takes the rest: half a value is one, too.
func afterText(s string, i int, backslashes bool) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case backslashes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// space adds one space, if there is none.
func space(out *strings.Builder) {
	if !strings.HasSuffix(out.String(), " ") {
		out.WriteByte(' ')
	}
}

// after returns where the next end is over; without one, the end of all.
func after(s string, i int, end string) int {
	n := strings.Index(s[i:], end)
	if n < 0 {
		return len(s)
	}
	return i + n + len(end)
}

// afterDollars returns where a text in dollars ends, such as $tag$ text $tag$.
func afterDollars(s string, i int) int {
	close := strings.IndexByte(s[i+1:], '$')
	if close < 0 {
		return len(s)
	}
	tag := s[i : i+close+2]
	end := strings.Index(s[i+len(tag):], tag)
	if end < 0 {
		return len(s)
	}
	return i + len(tag) + end + len(tag)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// Summary returns what a scrubbed statement does, in few words: its verb and the table
// that it is about.
func Summary(scrubbed string) string {
	verb, _, _ := strings.Cut(scrubbed, " ")
	verb = strings.ToUpper(verb)
	before := map[string]string{"SELECT": "FROM", "DELETE": "FROM", "INSERT": "INTO", "UPDATE": "UPDATE"}[verb]
	if before == "" {
		return verb
	}
	depth := 0 // in parentheses are other statements
	words := strings.FieldsFunc(scrubbed, func(r rune) bool { return r == ' ' })
	for i, word := range words {
		if depth == 0 && strings.EqualFold(word, before) && i+1 < len(words) {
			table, _, _ := strings.Cut(words[i+1], "(")
			return strings.TrimSpace(verb + " " + strings.Trim(table, `"),;`))
		}
		depth += strings.Count(word, "(") - strings.Count(word, ")")
	}
	return verb
}
