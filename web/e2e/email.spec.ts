import type { Page } from '@playwright/test'
import { expect, signOut, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { letterTo } from './mail'
import { shoot } from './shoot'

skipUnlessRunnable()

const newestTo = (page: Page, to: string, not = '') => letterTo(page, to, 'email_token=', not)

async function ask(page: Page, email: string): Promise<void> {
  await page.goto('/sign-in?return_to=/account')
  await page.getByLabel('Email address').fill(email)
  await page.getByRole('button', { name: 'Email me a sign-in link' }).click()
  await expect(page.getByLabel('6-digit code')).toBeVisible()
}

test('a code and then a link lead into the same account, and a used link says so', async ({ person }) => {
  const page = await person()
  const email = 'mia@example.com'
  await ask(page, email)
  await shoot(page, 'email-sent')
  // A phone may load the page again while its person reads the mail.
  await page.reload()
  await expect(page.getByText(`We sent a link and a 6-digit code to ${email}`)).toBeVisible()
  const first = await newestTo(page, email)
  await page.getByLabel('6-digit code').fill(/\b\d{6}\b/.exec(first)![0])
  await page.getByRole('button', { name: 'Sign in with the code' }).click()
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  const { id } = await whoAmI(page)

  await signOut(page)
  await ask(page, email)
  const link = /https?:\/\/\S*email_token=[\w-]+/.exec(await newestTo(page, email, first))![0]
  await page.goto('about:blank')
  await page.goto(link)
  const enter = page.getByRole('button', { name: 'Continue', exact: true })
  await expect(enter).toBeVisible()
  expect(page.url()).not.toContain('email_token')
  await expect(page.getByRole('link', { name: 'Continue with Google' })).toHaveCount(0)
  await page.route('**/v1/auth/email/verify', (route) => route.abort())
  await enter.click()
  await expect(page.getByRole('alert')).toContainText('Check your connection')
  await page.unroute('**/v1/auth/email/verify')
  await enter.click()
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  expect((await whoAmI(page)).id).toBe(id)

  await page.goto('about:blank')
  await page.goto(link)
  await expect(page.getByText('If you asked for this email to sign in to another account')).toBeVisible()
  await enter.click()
  await expect(page.getByRole('alert', { name: 'This link does not work here' })).toContainText('This link does not work here')
  await expect(page.getByRole('link', { name: 'Continue with Google' })).toBeVisible()
  await expect(page.getByLabel('Email address')).toBeVisible()
  await expect(page.getByLabel('6-digit code')).toHaveCount(0)
})
