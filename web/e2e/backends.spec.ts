import { verifier } from '../backends/verify.mjs'
import { expect, signInWithNewWallet, skipUnlessRunnable, test } from './fixtures'

skipUnlessRunnable()

// The example of docs/backends.md, with the real jose, against the real service.
test('a Node.js backend knows a user by their access token', async ({ person, service }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const me = (await (await page.request.get('/v1/me')).json()) as { id: string }
  const granted = await page.request.post('/v1/token', { data: {} })
  const { access_token: token } = (await granted.json()) as { access_token: string }
  const userOf = verifier({ issuer: service.url, audience: service.url })
  expect(await userOf(`Bearer ${token}`)).toMatchObject({ id: me.id })
  await expect(userOf(`Bearer ${token.slice(0, -4)}AAAA`)).rejects.toThrow()
  await expect(verifier({ issuer: service.url, audience: 'https://other.example.com' })(`Bearer ${token}`)).rejects.toThrow()
})
