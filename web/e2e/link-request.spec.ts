import { beAtProvider, expect, newPerson, signOut, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { startService } from './service'

skipUnlessRunnable()

test('a refused sign-in method asks its owner, who says no, and then yes', async ({ browser }) => {
  const service = await startService({ LATCHKEY_LINKING: 'confirm' })
  const page = await newPerson(browser, service.url)
  const ada = { name: 'Ada', email: 'ada.asks@gmail.com' }
  const methods = async () => ((await (await page.request.get('/v1/me/identities')).json()) as { data: unknown[] }).data.length
  // Refuses GitHub for the address of the account, then signs in to that account.
  const refusedThenSignedIn = async () => {
    await signOut(page)
    await page.goto('/sign-in?return_to=/account')
    await page.getByRole('link', { name: /^Continue with GitHub\b(?! without)/ }).click()
    await beAtProvider(page, ada)
    await expect(page.getByRole('alert')).toContainText('There is already an account with this email address')
    await page.getByRole('link', { name: /^Continue with Google/ }).click()
    await beAtProvider(page, ada)
  }
  const request = page.getByRole('alert').filter({ hasText: 'Add this sign-in method?' })

  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, ada)
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  const { id } = await whoAmI(page)

  // It is shown, named, and not linked, however often the page is loaded.
  await refusedThenSignedIn()
  await expect(request).toContainText('GitHub (ada.asks@gmail.com)')
  await page.reload()
  await expect(request).toBeVisible()
  expect(await methods()).toBe(1)
  await expect(request.getByRole('button').first()).toHaveText('Don’t add')
  await request.getByRole('button', { name: 'Don’t add' }).click()
  await expect(request).toHaveCount(0)
  expect(await methods()).toBe(1)

  // Any other sign-in of the account, in a browser of its own, is asked nothing.
  await refusedThenSignedIn()
  const elsewhere = await newPerson(browser, service.url)
  await elsewhere.goto('/sign-in?return_to=/account')
  await elsewhere.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(elsewhere, ada)
  await expect(elsewhere.getByRole('heading', { name: 'Your account' })).toBeVisible()
  await expect(elsewhere.getByText('Add this sign-in method?')).toHaveCount(0)

  // Accepting is a POST, by a click on this page.
  const accepted = page.waitForRequest((asked) => asked.url().includes('/v1/me/link-requests/') && asked.url().endsWith('/accept'))
  await request.getByRole('button', { name: 'Add GitHub' }).click()
  expect((await accepted).method()).toBe('POST')
  await expect(request).toHaveCount(0)
  expect(await methods()).toBe(2)
  expect((await whoAmI(page)).id).toBe(id)

  // From now on it signs in to the same account.
  await signOut(page)
  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: /^Continue with GitHub\b(?! without)/ }).click()
  await beAtProvider(page, ada)
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  expect((await whoAmI(page)).id).toBe(id)
  await Promise.all([page, elsewhere].map((one) => one.context().close()))
  await service.stop()
})
