import { clickSignOut, expect, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'

skipUnlessRunnable()

test('a double click does once what it is for', async ({ person }) => {
  const page = await person()
  const sent: string[] = []
  page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).pathname))
  const times = (path: string) => sent.filter((one) => one === path).length

  await page.goto('/sign-in')
  await page.getByLabel('Email address').fill('hasty@example.com')
  await page.getByRole('button', { name: 'Email me a sign-in link' }).dblclick()
  await expect(page.getByLabel('6-digit code')).toBeVisible()
  expect(times('/v1/auth/email/start')).toBe(1)

  await signInWithNewWallet(page)
  await page.getByLabel('Team name').fill('Once')
  await page.getByRole('button', { name: 'Create team' }).dblclick()
  await expect(page.getByRole('heading', { name: 'Once', level: 1 })).toBeVisible()
  expect(times('/v1/teams')).toBe(1)

  await page.goto('/account')
  await page.getByRole('button', { name: 'Create recovery codes' }).dblclick()
  await page.getByRole('button', { name: 'I’ve saved these codes' }).click()
  await page.getByRole('button', { name: 'Create new codes' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Create new codes' }).dblclick()
  await page.getByRole('button', { name: 'I’ve saved these codes' }).click()
  expect(times('/v1/me/recovery-codes')).toBe(2)
})

test('what is asked without a connection is refused in words, and does not happen later', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.goto('/account/profile')
  await page.getByLabel('Name', { exact: true }).fill('Later')
  await page.context().setOffline(true)
  const alert = page.getByRole('alert').filter({ hasText: 'Check your connection' })
  await page.getByRole('button', { name: 'Save profile' }).click()
  await expect(alert).toHaveCount(1)
  await clickSignOut(page)
  await expect(alert).toHaveCount(2)

  await page.keyboard.press('Escape')
  await page.context().setOffline(false)
  expect((await whoAmI(page)).display_name).toBe('')
  await page.getByLabel('Name', { exact: true }).fill('Now')
  await page.getByRole('button', { name: 'Save profile' }).click()
  await expect(page.getByText('Saved.')).toBeVisible()
  expect((await whoAmI(page)).display_name).toBe('Now')
})
