// Pattern is a path: `/team/:id` has any segment for `:id`, `/docs(.*)` anything after
// /docs. Groups are parts of a regular expression.
export type Pattern = string | RegExp

// Matcher reports whether the path of a request is one of some patterns.
export type Matcher = (request: { url: string } | string) => boolean

// createMatcher returns a matcher of paths. A path also matches in the form that Next.js
// finds a page by: decoded, and without a slash at the end.
export function createMatcher(patterns: readonly Pattern[]): Matcher {
  // With g or y, an expression would go on where it matched last.
  const all = patterns.map((pattern) => (typeof pattern === 'string' ? expressionOf(pattern) : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))))
  return (request) => {
    const raw = typeof request === 'string' ? request : request.url
    // A path with two slashes at its beginning is a path, too.
    const path = new URL(raw.startsWith('/') ? `http://path.invalid${raw}` : raw).pathname
    return formsOf(path).some((form) => all.some((expression) => expression.test(form)))
  }
}

function formsOf(path: string): string[] {
  const forms = [path]
  for (let last = path, i = 0; i < 3; i++) {
    let next
    try {
      next = decodeURIComponent(last)
    } catch {
      break // Next.js refuses such a path
    }
    if (next === last) break
    forms.push(next)
    last = next
  }
  return [...new Set(forms.flatMap((form) => [form, form.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')]))]
}

function expressionOf(pattern: string): RegExp {
  let source = ''
  for (const [part] of pattern.matchAll(/\([^()]*\)|:\w+\*?|[^(:]+|./g)) {
    if (part.startsWith('(')) source += part
    else if (/^:\w+\*$/.test(part)) source += '.*'
    else if (/^:\w+$/.test(part)) source += '[^/]+'
    else source += part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  }
  return new RegExp(`^${source}$`)
}
