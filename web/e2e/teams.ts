import type { Page } from '@playwright/test'
import { beAtProvider, expect } from './fixtures'

export async function signInAs(page: Page, name: string): Promise<void> {
  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, { name, email: `${name.toLowerCase()}@gmail.com` })
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
}

// post and put change something as the person of the page would, without its pages.
export const post = (page: Page, path: string, data: unknown) => send(page, 'POST', path, data)
export const put = (page: Page, path: string, data: unknown) => send(page, 'PUT', path, data)

async function send(page: Page, method: string, path: string, data: unknown): Promise<Record<string, string>> {
  const answer = await page.request.fetch(path, { method, data, headers: { Origin: new URL(page.url()).origin } })
  expect(answer.status(), path).toBeLessThan(300)
  return (await answer.json()) as Record<string, string>
}

// newTeam is a team of the owner with members, none of whom has entered.
export async function newTeam(owner: Page, name: string, members: Page[]): Promise<string> {
  const { id } = await post(owner, '/v1/teams', { name })
  for (const member of members) {
    const { primary_email } = (await (await member.request.get('/v1/me')).json()) as { primary_email: string }
    const invitation = await post(owner, `/v1/teams/${id!}/invitations`, { email: primary_email, role: 'member' })
    await post(member, `/v1/me/invitations/${invitation['id']!}/accept`, {})
  }
  return id!
}
