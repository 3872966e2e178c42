import type { AuthErrorCode } from './errors.js'

// The title and the text of the page for an error.
const words: Partial<Record<AuthErrorCode, [title: string, text: string]>> = {
  unavailable: ['Sign-in is unavailable', 'We can’t check who you are right now. This isn’t your fault. Try again in a moment.'],
  invalid_answer: ['Sign-in didn’t work', 'This sign-in has expired, or was started in another browser. Sign in again.'],
  denied: ['You’re not signed in', 'The sign-in was cancelled or refused.'],
  policy_unsatisfied: ['Not allowed right now', 'Your team’s policy doesn’t allow this session. Sign in again, or from another network.'],
  forbidden: ['You don’t have access', 'Ask an admin of your team for access.'],
  configuration: ['Sign-in is not set up', 'The application’s log says what is missing.'],
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => escapes[c]!)
}

const style = 'body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}button,a{font:inherit}'

function page(status: number, title: string, body: string, formAction = "'self'"): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style><h1>${title}</h1>${body}`
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
      'referrer-policy': 'same-origin', // without it the form's own request has the origin null
    },
  })
}

// errorPage returns a page that says what went wrong, with a link to a path of the application.
export function errorPage(code: AuthErrorCode, status: number, again: { label: string; href: string }): Response {
  const [title, text] = words[code] ?? words.denied!
  return page(status, title, `<p>${text}<p><a href="${escaped(again.href)}">${escaped(again.label)}</a>`)
}

// signOutPage returns a page that asks before signing out: following a link must not sign out.
export function signOutPage(action: string, to: string, issuer: string): Response {
  const body = `<form method="post" action="${escaped(action)}"><input type="hidden" name="redirectTo" value="${escaped(to)}"><button>Sign out</button></form>`
  return page(200, 'Sign out?', body, `'self' ${issuer}`)
}

// enterPage returns a page that asks before entering a team: following a link of another site
// must not, since what the person does next would be seen there.
export function enterPage(href: string): Response {
  return page(200, 'Switch to another team?', `<p>A link asks to continue in another team.<p><a href="${escaped(href)}">Continue in that team</a>`)
}

// goOnPage is the response to a fetch of the router, which cannot follow a redirect to
// another site: the router then loads the address as a document.
export function goOnPage(): Response {
  return page(200, 'Sign in', '<p>Reload this page to sign in.')
}
