// Compiles Names.sol. In an empty folder: npm install solc@0.8.37 and
// node .../siwe/ens/testdata/compile.mjs
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
const solc = createRequire(path.join(process.cwd(), 'x'))('solc')

const here = path.dirname(new URL(import.meta.url).pathname)
const output = JSON.parse(solc.compile(JSON.stringify({
  language: 'Solidity',
  sources: { 'Names.sol': { content: fs.readFileSync(path.join(here, 'Names.sol'), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
  },
})))
for (const e of output.errors ?? []) console.error(e.formattedMessage)
// What stands at the address once deployed; none of them has a constructor.
const deployed = {}
for (const [name, c] of Object.entries(output.contracts['Names.sol'])) deployed[name] = '0x' + c.evm.deployedBytecode.object
fs.writeFileSync(path.join(here, 'deployed.json'), JSON.stringify({ compiler: solc.version(), deployed }, null, 1) + '\n')
