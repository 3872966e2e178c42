import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Api } from '../../api/client'
import type { ProofResult } from '../../api/types'
import { offerPasskeys } from './api/passkey'

// Credential is what a browser hands out when a person chooses a passkey.
class Credential {
  id = 'x'
  toJSON = () => ({})
  static parseRequestOptionsFromJSON = (options: object) => options
  static isConditionalMediationAvailable = async () => true
}

const json = (status: number, body: object) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

beforeEach(() => {
  vi.stubGlobal('PublicKeyCredential', Credential)
})
afterEach(() => vi.unstubAllGlobals())

// offered is the suggestion of a page: what the person and the service do is up to the test.
function offered(verify: Promise<Response>) {
  let choose!: () => void
  const get = () => new Promise<Credential>((resolve) => (choose = () => resolve(new Credential())))
  vi.stubGlobal('navigator', { credentials: { get } })
  const asked = vi.fn(async (path: string) => {
    const response = path.endsWith('/challenge') ? json(200, { ceremony: 'get', options: {} }) : await verify
    return response.ok ? { data: await response.json(), response } : { error: await response.json(), response }
  })
  const proofs: Promise<ProofResult>[] = []
  const stop = offerPasskeys({ POST: asked } as unknown as Api, (proof) => proofs.push(proof))
  return {
    asked,
    proofs,
    stop,
    choose: () => choose(),
    waits: () => vi.waitFor(() => expect(asked).toHaveBeenCalledOnce()).then(() => vi.waitFor(() => expect(choose).toBeDefined())),
  }
}

it('says that a passkey was chosen before the service has verified it', async () => {
  let answer!: (response: Response) => void
  const page = offered(new Promise((resolve) => (answer = resolve)))
  await page.waits()
  expect(page.proofs).toEqual([])
  page.choose()
  await vi.waitFor(() => expect(page.proofs).toHaveLength(1))
  answer(json(200, { outcome: 'signed_in' }))
  await expect(page.proofs[0]).resolves.toEqual({ outcome: 'signed_in' })
})

it('says why what was chosen is refused, and that the service cannot be reached', async () => {
  for (const status of [401, 503]) {
    const page = offered(Promise.resolve(json(status, { code: 'unavailable', status })))
    await page.waits()
    page.choose()
    await vi.waitFor(() => expect(page.proofs).toHaveLength(1))
    await expect(page.proofs[0]).rejects.toMatchObject({ status })
  }
})

it('says nothing once the page has stopped it', async () => {
  const page = offered(Promise.resolve(json(200, {})))
  await page.waits()
  page.stop()
  page.choose()
  await vi.waitFor(() => expect(page.asked).toHaveBeenCalledTimes(2))
  expect(page.proofs).toEqual([])
})
