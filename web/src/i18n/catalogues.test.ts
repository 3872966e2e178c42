import { readFileSync } from 'node:fs'
import { isValidElement } from 'react'
import { describe, expect, it } from 'vitest'
import { what } from '../features/account/history-words'
import { de } from './de'
import { en } from './en'
import { chooseLanguage, localeFor } from './language'
import { type Catalogue, type Message, translator } from './translate'
import './en/later'

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
    for (const action of actions.filter((a) => /^(user|identity|proof|session|recovery)\./.test(a))) expect(what(t, { action, provider: 'google' }), action).not.toContain(action)
  })

  it('name an action that they do not know', () => {
    const t = translator(en, 'en')
    expect(what(t, { action: 'moon.landed' })).toBe('Something else (moon.landed)')
    expect(what(t, { action: 'constructor' })).toContain('constructor')
    expect(what(t, { action: 'identity.linked', provider: 'github' })).toBe('GitHub linked')
  })
})

describe('translator', () => {
  const t = translator(de, 'de', 'de-AT')
  it('puts values in their places and chooses the plural', () => {
    expect(t('merge.undoDays', { count: 1 })).toContain('1 Tag lang')
    expect(t('merge.undoDays', { count: 30 })).toContain('30 Tage lang')
    expect(t('devices.endOf', { device: 'Firefox', ip: '::1' })).toBe('Die Sitzung auf Firefox, ::1 beenden')
  })

  it('leaves what a stranger wrote as it is, placeholders too', () => {
    expect(t('devices.endOf', { device: '{ip}', ip: '<b>{device}</b>' })).toBe('Die Sitzung auf {ip}, <b>{device}</b> beenden')
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
