import { useSyncExternalStore } from 'react'
import { en } from './en'
import { type Catalogue, type Language, type Translate, translator } from './translate'

// English is part of the first load and what is fallen back to; the others come
// when they are asked for.
const load: Record<Language, () => Promise<Catalogue>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import('./de')).de,
}

export const languages: Record<Language, string> = { en: 'English', de: 'Deutsch' }

const storageKey = 'latchkey-language'

function isLanguage(value: unknown): value is Language {
  return typeof value === 'string' && Object.hasOwn(load, value)
}

// chooseLanguage takes what was chosen before, else the first of the browser's
// languages that there is.
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (isLanguage(stored)) return stored
  return preferred.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en'
}

// localeFor is the reader's own variety of a language, for dates and numbers.
export function localeFor(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language
}

let current: Translate = translator(en, 'en')
const listeners = new Set<() => void>()

async function use(language: Language): Promise<void> {
  const catalogue = await load[language]()
  current = translator(catalogue, language, localeFor(language, navigator.languages))
  document.documentElement.lang = language
  for (const tell of listeners) tell()
}

function remembered(): string | null {
  try {
    return localStorage.getItem(storageKey)
  } catch {
    return null // storage may be forbidden
  }
}

// startLanguage makes the reader's language the current one. When its texts
// cannot be loaded the page speaks English.
export async function startLanguage(): Promise<void> {
  await use(chooseLanguage(remembered(), navigator.languages)).catch(() => use('en'))
}

export async function setLanguage(language: Language): Promise<void> {
  await use(language)
  try {
    localStorage.setItem(storageKey, language)
  } catch {
    // Then it holds for this visit.
  }
}

// useT answers the translator of the current language.
export function useT(): Translate {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => current,
    () => current,
  )
}
