import { createElement, Fragment, type ReactNode } from 'react'
import type { en } from './en'

export type Language = 'en' | 'de'

// A message is a text with {placeholders}, or one for each plural form that
// English and German have (CLDR: one, other), chosen by {count}.
export type Message = string | { readonly one: string; readonly other: string }

// Words says what happened and what to do about it.
export interface Words {
  readonly title: string
  readonly text: string
}

type English = (typeof en)['messages']
type Widen<M> = M extends string ? string : { readonly one: string; readonly other: string }

// Catalogue is what every language must have: the keys of English.
export interface Catalogue {
  readonly messages: { readonly [A in keyof English]: { readonly [K in keyof English[A]]: Widen<English[A][K]> } }
  readonly words: { readonly [C in keyof (typeof en)['words']]: Words }
}

// Area is one area of the texts, as every language must have it.
export type Area<A extends keyof English> = Catalogue['messages'][A]

export type Key = { [A in keyof English]: `${A}.${keyof English[A] & string}` }[keyof English]

type MessageOf<K extends Key> = K extends `${infer A}.${infer N}` ? (A extends keyof English ? (N extends keyof English[A] ? English[A][N] : never) : never) : never
type In<S> = S extends `${string}{${infer P}}${infer Rest}` ? P | In<Rest> : never
type Names<K extends Key> = MessageOf<K> extends string ? In<MessageOf<K>> : 'count' | In<MessageOf<K>[keyof MessageOf<K>]>
type Values<K extends Key, V> = [Names<K>] extends [never] ? [] : [values: { [P in Names<K>]: P extends 'count' ? number : V }]

// Translate turns keys into texts of one language. Rich takes elements for the
// placeholders, such as a Name, and answers what React renders: no text is ever
// read as HTML.
export interface Translate {
  <K extends Key>(key: K, ...values: Values<K, string | number>): string
  rich<K extends Key>(key: K, ...values: Values<K, ReactNode>): ReactNode
  language: Language
  /** For Intl: the reader's own variety of the language, such as en-GB. */
  locale: string
  words: Readonly<Record<string, Words>>
}

export function translator(catalogue: Catalogue, language: Language, locale: string = language): Translate {
  const plural = new Intl.PluralRules(language)
  const number = new Intl.NumberFormat(locale)
  const areas = catalogue.messages as unknown as Record<string, Record<string, Message>>

  const pieces = (key: string, values: Record<string, unknown> = {}): unknown[] => {
    const dot = key.indexOf('.')
    const message = areas[key.slice(0, dot)]![key.slice(dot + 1)]!
    const text = typeof message === 'string' ? message : message[plural.select(values['count'] as number) === 'one' ? 'one' : 'other']
    return text.split(/\{(\w+)\}/).map((piece, i) => {
      if (i % 2 === 0) return piece
      const value = values[piece]
      return typeof value === 'number' ? number.format(value) : value
    })
  }

  const t = (key: string, values?: Record<string, unknown>) => pieces(key, values).join('')
  return Object.assign(t, {
    rich: (key: string, values?: Record<string, unknown>) => createElement(Fragment, null, ...(pieces(key, values) as ReactNode[])),
    language,
    locale,
    words: catalogue.words,
  }) as unknown as Translate
}
