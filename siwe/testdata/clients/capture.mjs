// Makes messages with the builders that applications use, signs them with the
// wallets' libraries, and writes clients.json; see README.md. The keys are
// derived from a public phrase: they are worth nothing.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
const require = createRequire(path.join(process.cwd(), 'x'))
const { createSiweMessage } = require('viem/siwe')
const { keccak256, toHex, serializeErc6492Signature, hashMessage } = require('viem')
const { privateKeyToAccount } = require('viem/accounts')
const { SiweMessage } = require('siwe')
const { Wallet, getAddress } = require('ethers')
const { formatMessage } = require('@walletconnect/utils')
const version = (name) => JSON.parse(fs.readFileSync(path.join('node_modules', name, 'package.json'))).version

const domain = 'app.example.com'
const uri = 'https://app.example.com/login'
const issuedAt = '2026-03-14T15:08:26.000Z'
const expirationTime = '2026-03-14T15:18:26.535Z'
const notBefore = '2026-03-14T15:08:26.123Z'
const nonce = 'abcdefgh12345678'
const resources = ['https://app.example.com/terms', 'ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/', 'urn:recap:' + Buffer.from(JSON.stringify({ att: { 'https://app.example.com': { 'crud/read': [{}] } } })).toString('base64url')]
const statements = {
  plain: 'Sign in to the example.',
  quotes: `I accept the "Terms", 100% & more: https://app.example.com/tos?a=1#b`,
  unicode: 'Anmelden für Österreich, 登录 ✅',
}
const key = (n) => keccak256(toHex('latchkey test key ' + n))
const captures = []

async function viem(name, fields) {
  const account = privateKeyToAccount(key(captures.length))
  const message = createSiweMessage({ address: account.address, chainId: 1, domain, nonce, uri, version: '1', issuedAt: new Date(issuedAt), ...fields })
  captures.push({ name: 'viem: ' + name, message, signature: await account.signMessage({ message }), address: account.address })
}
async function siwe(name, fields) {
  const wallet = new Wallet(key(captures.length))
  const message = new SiweMessage({ address: wallet.address, chainId: 1, domain, nonce, uri, version: '1', issuedAt, ...fields }).prepareMessage()
  captures.push({ name: 'siwe: ' + name, message, signature: await wallet.signMessage(message), address: wallet.address })
}

await viem('minimal', {})
await viem('statement', { statement: statements.plain })
await viem('quotes in the statement', { statement: statements.quotes })
await viem('statement beyond ASCII', { statement: statements.unicode })
await viem('scheme', { scheme: 'https', statement: statements.plain })
await viem('times', { expirationTime: new Date(expirationTime), notBefore: new Date(notBefore) })
await viem('everything', { scheme: 'https', statement: statements.plain, expirationTime: new Date(expirationTime), notBefore: new Date(notBefore), requestId: 'req-1', resources })
await viem('empty list of resources', { resources: [] })
await viem('another chain', { chainId: 8453 })
// RainbowKit's documented adapter is this call of viem's builder.
await viem('as RainbowKit', { uri: 'https://app.example.com', statement: 'Sign in with Ethereum to the app.' })
await viem('location with a query', { uri: 'https://app.example.com/login?return_to=%2Faccount&x[]=1#top' })

await siwe('minimal', {})
await siwe('statement', { statement: statements.plain })
await siwe('empty statement', { statement: '' })
await siwe('scheme', { scheme: 'https', statement: statements.plain })
await siwe('everything', { scheme: 'https', statement: statements.plain, expirationTime, notBefore, requestId: 'req-1', resources })
await siwe('time with an offset', { issuedAt: '2026-03-14T17:08:26.5+02:00' })

// AppKit's SIWE builder is formatMessage of WalletConnect's utilities.
async function appkit(name, fields) {
  const wallet = new Wallet(key(captures.length))
  const message = formatMessage({ domain, uri: 'https://app.example.com', version: '1', nonce, iat: issuedAt, ...fields }, `did:pkh:eip155:1:${wallet.address}`)
  captures.push({ name: 'appkit: ' + name, message, signature: await wallet.signMessage(message), address: wallet.address })
}
await appkit('minimal', {})
await appkit('statement', { statement: 'Please sign with your account', exp: expirationTime, nbf: notBefore, requestId: 42 })
await appkit('resources, the last of which is a recap', { statement: statements.plain, resources })
await appkit('empty list of resources', { resources: [] })

// A server that builds the text itself and a wallet that is ethers.
{
  const wallet = new Wallet(key(captures.length))
  const message = `${domain} wants you to sign in with your Ethereum account:\n${getAddress(wallet.address.toLowerCase())}\n\n${statements.plain}\n\nURI: ${uri}\nVersion: 1\nChain ID: 1\nNonce: ${nonce}\nIssued At: ${new Date(issuedAt).toISOString()}`
  captures.push({ name: 'ethers: text by hand', message, signature: await wallet.signMessage(message), address: wallet.address })
  // Ledger and other hardware give a recovery byte of 0 or 1.
  const signature = (await wallet.signMessage(message)).replace(/1b$/, '00').replace(/1c$/, '01')
  captures.push({ name: 'ethers: recovery byte from 0', message, signature, address: wallet.address })
}

// How viem writes an ERC-6492 signature, and its EIP-191 hash.
const erc6492 = {
  factory: '0x00000000000000000000000000000000000fac70',
  factoryCalldata: '0x' + '0102030405'.repeat(9),
  signature: '0x' + 'ab'.repeat(65),
}
erc6492.wrapped = serializeErc6492Signature({ address: erc6492.factory, data: erc6492.factoryCalldata, signature: erc6492.signature })

fs.writeFileSync(path.join(path.dirname(new URL(import.meta.url).pathname), 'clients.json'), JSON.stringify({
  packages: Object.fromEntries(['viem', 'siwe', 'ethers', '@walletconnect/utils'].map((n) => [n, version(n)])),
  captures: captures.map((c) => ({ ...c, hash: hashMessage(c.message) })),
  erc6492,
}, null, 1) + '\n')
