import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isValidElement } from 'react'
import { describe, expect, it } from 'vitest'
import { what } from '../features/account/history-words'
import { de } from './de'
import { en } from './en'
import { chooseLanguage, localeFor } from './language'
import { type Catalogue, type Message, translator } from './translate'
import './en/later/account'
import './en/later/apps'
import './en/later/audit'
import './en/later/history'
import './en/later/home'
import './en/later/hooks'
import './en/later/keys'
import './en/later/merge'
import './en/later/operator'
import './en/later/sessions'
import './en/later/step-up'
import './en/later/team'
import './en/later/wallet'
import './en/later/wallets'
import './en/later/webhooks'

type Flat = Record<string, Message>

function flat(catalogue: Catalogue): Flat {
  const out: Flat = {}
  for (const [area, messages] of Object.entries(catalogue.messages)) for (const [name, message] of Object.entries(messages)) out[`${area}.${name}`] = message as Message
  for (const [code, { title, text }] of Object.entries(catalogue.words)) Object.assign(out, { [`words.${code}.title`]: title, [`words.${code}.text`]: text })
  return out
}

const texts = (message: Message) => (typeof message === 'string' ? [message] : [message.one, message.other])
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()

describe('the catalogues', () => {
  const [english, german] = [flat(en), flat(de)]

  it('have the same keys', () => {
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort())
    expect(Object.keys(english).length).toBeGreaterThan(200)
  })

  it.each(Object.keys(english))('%s has the same placeholders, plural forms and some text in both', (key) => {
    const [a, b] = [english[key]!, german[key]!]
    expect(typeof b).toBe(typeof a)
    const wanted = placeholders(texts(a).join(' '))
    for (const text of [...texts(a), ...texts(b)]) {
      expect(text.trim()).not.toBe('')
      expect(placeholders(text)).toEqual(wanted)
      expect(text.replace(/\{\w+\}/g, '')).not.toMatch(/[{}<>]/)
    }
  })

  it('are not the same text twice', () => {
    const same = Object.keys(english).filter((key) => texts(english[key]!).join().length > 20 && texts(english[key]!).join() === texts(german[key]!).join())
    expect(same).toEqual([])
  })

  it('say every action of the audit trail that is about a person', () => {
    const source = readFileSync(new URL('../../../identity/event.go', import.meta.url), 'utf8')
    const actions = [...source.matchAll(/Action = "([a-z_.]+)"/g)].map((match) => match[1]!)
    expect(actions.length).toBeGreaterThan(30)
    const t = translator(de, 'de')
    for (const action of actions.filter((a) => /^(user|identity|proof|session|recovery|grant)\./.test(a)))
      expect(what(t, { action, provider: 'google' }), action).not.toContain(action)
  })

  it('name an action that they do not know', () => {
    const t = translator(en, 'en')
    expect(what(t, { action: 'moon.landed' })).toBe('Other event (moon.landed)')
    expect(what(t, { action: 'constructor' })).toContain('constructor')
    expect(what(t, { action: 'identity.linked', provider: 'github' })).toBe('GitHub added')
    expect(what(t, { action: 'grant.revoked', application: 'Grafana' })).toBe('Access of Grafana removed')
    expect(what(t, { action: 'grant.revoked' })).toBe('Access of an application removed')
  })
})

// Where an area of the English texts comes from: the first load, or a file of ./en/later.
function areaFiles(): Map<string, string> {
  const later = new URL('./en/later/', import.meta.url).pathname
  return new Map(
    readdirSync(later).flatMap((file) => {
      const areas = /^add\(\{ (.+) \}\)$/m.exec(readFileSync(later + file, 'utf8'))?.[1]
      return areas?.split(', ').map((area) => [area, later + file] as const) ?? []
    }),
  )
}

// reachable is every file that comes with one, and where it loads more later.
function reachable(entry: string): { files: Set<string>; pages: string[] } {
  const [files, pages, rest] = [new Set<string>(), [] as string[], [entry]]
  const find = (from: string, name: string) =>
    ['', '.ts', '.tsx', '/index.ts'].map((end) => join(dirname(from), name + end)).find((path) => /\.tsx?$/.test(path) && existsSync(path))
  for (let file = rest.pop(); file; file = rest.pop()) {
    if (files.has(file)) continue
    files.add(file)
    const source = readFileSync(file, 'utf8')
    for (const [, name] of source.matchAll(/^(?:import|export) (?!type )(?:[^']*? from )?'(\.[^']+)'/gm)) rest.push(...[find(file, name!)].filter((path) => path !== undefined))
    for (const [, name] of source.matchAll(/import\('(\.[^']+)'\)/g)) pages.push(...[find(file, name!)].filter((path) => path !== undefined))
  }
  return { files, pages }
}

describe('the texts of an area', () => {
  const source = (path: string) => new URL('../' + path, import.meta.url).pathname
  const areas = areaFiles()
  const first = reachable(source('main.tsx'))
  // Of what is loaded later, what loads still more is loaded by then.
  const pages = [...new Set([...first.pages, ...first.pages.flatMap((page) => reachable(page).pages)])].filter((page) => !page.includes('/i18n/'))

  it('are known', () => {
    expect(areas.size).toBeGreaterThan(15)
    expect(pages.length).toBeGreaterThan(4)
  })

  it.each(['main.tsx', ...pages])('come with what uses them: %s', (page) => {
    const files = page === 'main.tsx' ? first.files : new Set([...first.files, ...reachable(page).files])
    const missing = [...files]
      .filter((file) => !file.includes('/i18n/'))
      .flatMap((file) =>
        [...areas].filter(([area, from]) => !files.has(from) && new RegExp(`['\`]${area}\\.[a-zA-Z_$]`).test(readFileSync(file, 'utf8'))).map(([area]) => `${area} in ${file}`),
      )
    expect(missing).toEqual([])
  })
})

describe('translator', () => {
  const t = translator(de, 'de', 'de-AT')
  it('puts values in their places and chooses the plural', () => {
    expect(t('merge.undoDays', { count: 1 })).toContain('1 Tag lang')
    expect(t('merge.undoDays', { count: 30 })).toContain('30 Tage lang')
    expect(t('devices.endOf', { device: 'Firefox', ip: '::1' })).toBe('Firefox, ::1 abmelden')
  })

  it('leaves what a stranger wrote as it is, placeholders too', () => {
    expect(t('devices.endOf', { device: '{ip}', ip: '<b>{device}</b>' })).toBe('{ip}, <b>{device}</b> abmelden')
  })

  it('keeps elements', () => {
    const rich = t.rich('home.signedInAs', { name: 'Ada' })
    expect(isValidElement(rich)).toBe(true)
  })
})

describe('the language', () => {
  it('is the chosen one, else the first of the browser that there is, else English', () => {
    expect(chooseLanguage('de', ['en-GB'])).toBe('de')
    expect(chooseLanguage('xx', ['fr-FR', 'de-AT', 'en'])).toBe('de')
    expect(chooseLanguage(null, ['fr'])).toBe('en')
    expect(chooseLanguage('constructor', [])).toBe('en')
    expect(chooseLanguage(null, [])).toBe('en')
  })

  it('is written the way of the reader', () => {
    expect(localeFor('en', ['de-AT', 'en-GB'])).toBe('en-GB')
    expect(localeFor('de', ['en-GB'])).toBe('de')
  })
})
