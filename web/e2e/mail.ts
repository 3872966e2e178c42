import type { Page } from '@playwright/test'
import { expect } from './fixtures'

// letterTo reads the newest letter with a text to somebody in the development
// mailbox, which it may reach a moment after the answer; `not` are letters already
// read.
export async function letterTo(page: Page, to: string, text: string, not = ''): Promise<string> {
  let found = ''
  await expect(async () => {
    const answer = await page.request.get('/dev/mail', { headers: { Accept: 'application/json' } })
    const letters = (await answer.json()) as { to: string; text: string }[]
    found = letters.find((letter) => letter.to === to && letter.text.includes(text))?.text ?? ''
    expect(found).not.toBe('')
    expect(found).not.toBe(not)
  }).toPass()
  return found
}
