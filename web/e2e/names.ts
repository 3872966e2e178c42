import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { namehash } from 'viem/ens'

// Names is an endpoint of Ethereum on which names stand for accounts.
export interface Names {
  url: string
  own(name: string, account: string): void
  /** Whether it answers. */
  answers: boolean
  stop(): Promise<unknown>
}

const registry = '0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e'

export async function startNames(): Promise<Names> {
  const owners = new Map<string, string>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (!names.answers) return response.writeHead(502).end()
      const call = JSON.parse(body) as { id: number; method: string; params: [{ to: string; input: string }] }
      let result = '0x1'
      if (call.method === 'eth_call') {
        // The registry names one resolver for all, which knows the accounts.
        const [{ to, input }] = call.params
        const owner = owners.get(`0x${input.slice(10, 74)}`)
        const answer = owner === undefined ? '0' : to.toLowerCase() === registry ? 'c0ffee0000' : owner.slice(2)
        result = `0x${answer.padStart(64, '0')}`
      }
      return response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id: call.id, result }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const names: Names = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: true,
    own: (name, account) => owners.set(namehash(name), account),
    stop: () => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)),
  }
  return names
}
