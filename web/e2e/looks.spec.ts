import type { Page } from '@playwright/test'
import { accessible } from './axe'
import { beAtProvider, expect, fits, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'

skipUnlessRunnable()

// The API reference is a large library: on a busy machine it takes its time.
const rendering = { timeout: 60_000 }

const sizes = { phone: { width: 375, height: 740 }, desk: { width: 1280, height: 800 } }

// shoot leaves a picture of the page at both sizes and asserts that it fits.
async function shoot(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    await page.evaluate(() => document.fonts.ready)
    await fits(page)
    await page.screenshot({ path: `e2e/screenshots/${name}-${size}.png`, fullPage: true })
  }
  await page.setViewportSize(sizes.desk)
}

const script = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
const hostile = {
  script,
  // A right-to-left name with a direction override that is never closed.
  rtl: 'שלום \u202Eevil',
  long: 'W'.repeat(200),
}

test('every page fits a phone and a desk', async ({ person, service }) => {
  test.setTimeout(240_000)
  const page = await person()
  await page.goto('/')
  await expect(page.getByText('Nobody is signed in')).toBeVisible()
  await shoot(page, 'home-signed-out')
  await accessible(page)
  await page.goto('/sign-in')
  await expect(page.getByRole('link', { name: 'Continue with Google' })).toBeVisible()
  await shoot(page, 'sign-in')
  await page.goto('/sign-in?error=invalid_state')
  await page.getByRole('button', { name: 'Make a new test wallet' }).click()
  await shoot(page, 'sign-in-step-2')

  await signInWithNewWallet(page)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Hana Novak', email: 'hana@gmail.com' })
  await expect(page.getByText('Google is linked')).toBeVisible()
  await shoot(page, 'account')
  await accessible(page)
  await page.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await shoot(page, 'account-link-wallet')
  await accessible(page)

  await page.goto('/')
  await page.getByLabel('Name of a new team').fill('Day shift')
  await page.getByRole('button', { name: 'Make a team' }).click()
  await page.getByRole('button', { name: 'Enter the team' }).click()
  await expect(page.getByRole('table', { name: 'Team sessions' })).toBeVisible()
  await page.getByLabel('E-mail or wallet address').fill('someone@example.com')
  await page.getByRole('button', { name: 'Invite' }).click()
  await expect(page.getByRole('table', { name: 'Open invitations' })).toBeVisible()
  await shoot(page, 'team')
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Day shift' })).toBeVisible()
  await shoot(page, 'home')
  await accessible(page)

  await page.goto('/admin')
  await expect(page.getByText('You are not an operator')).toBeVisible()
  await shoot(page, 'admin-refused')
  await service.admin('grant', '--user', (await whoAmI(page)).id)
  await page.reload()
  await expect(page.getByRole('table', { name: 'Users' })).toBeVisible()
  await shoot(page, 'admin')

  await page.goto('/docs')
  await expect(page.getByText('/v1/auth/siwe/challenge')).toBeVisible(rendering)
  await shoot(page, 'docs')

  await page.emulateMedia({ colorScheme: 'dark' })
  await page.reload()
  await expect(page.getByText('/v1/auth/siwe/challenge')).toBeVisible(rendering)
  await shoot(page, 'docs-dark')
  await page.goto('/account')
  await expect(page.getByRole('table', { name: 'Devices' })).toBeVisible()
  await shoot(page, 'account-dark')
})

test('hostile names are inert and keep their place', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const headers = { Origin: new URL(page.url()).origin }
  for (const [kind, name] of Object.entries(hostile)) {
    // Refusing such a name is as good as showing it harmlessly.
    const renamed = await page.request.patch('/v1/me', { data: { display_name: name.slice(0, 200) }, headers })
    expect(renamed.status()).toBeLessThan(500)
    const made = await page.request.post('/v1/teams', { data: { name: name.slice(0, 100) }, headers })
    expect(made.status()).toBeLessThan(500)
    await page.goto('/')
    await expect(page.getByText('Signed in as')).toBeVisible()
    await expect(page.getByText('Name of a new team')).toBeVisible()
    await shoot(page, `hostile-${kind}-home`)
    await page.goto('/account')
    await expect(page.getByRole('table', { name: 'Devices' })).toBeVisible()
    await shoot(page, `hostile-${kind}-account`)
    await accessible(page)
    if (made.ok()) {
      await page.goto(`/teams/${((await made.json()) as { id: string }).id}`)
      await page.getByRole('button', { name: 'Enter the team' }).click()
      await expect(page.getByRole('table', { name: 'Team sessions' })).toBeVisible()
      await shoot(page, `hostile-${kind}-team`)
    }
    await expect(page).not.toHaveTitle('owned')
  }
})
