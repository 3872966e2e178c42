import type { Area } from '../translate'

export const stepUp: Area<'stepUp'> = {
  title: 'Identität bestätigen',
  text: 'Ihre Anmeldung liegt eine Weile zurück, und das hier erfordert eine aktuelle Bestätigung. Verwenden Sie eine Ihrer Anmeldemethoden.',
  textOnly: 'Bestätigen Sie noch einmal mit dieser Methode. Sie bleiben angemeldet.',
  with: 'Mit {provider} bestätigen',
  byEmail: 'Per E-Mail bestätigen',
  byPasskey: 'Mit einem Passkey bestätigen',
  none: 'Keine Ihrer Anmeldemethoden ist gerade verfügbar. Versuchen Sie es später noch einmal.',
}

export const docs: Area<'docs'> = {
  title: 'API',
  from: 'Aus {file} erstellt, auf Englisch. Was Sie hier ausprobieren, geschieht im Namen des angemeldeten Kontos.',
}
