// Compiles the Solidity sources next to it; see README.md.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
const require = createRequire(path.join(process.cwd(), 'x'))
const solc = require('solc')

const here = path.dirname(new URL(import.meta.url).pathname)
const names = ['CounterfactualValidator.sol', 'Wallets.sol']
const output = JSON.parse(solc.compile(JSON.stringify({
  language: 'Solidity',
  sources: Object.fromEntries(names.map((n) => [n, { content: fs.readFileSync(path.join(here, n), 'utf8') }])),
  settings: {
    // No PUSH0 and nothing newer: the validator has to run on every chain.
    evmVersion: 'paris',
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
})))
for (const e of output.errors ?? []) console.error(e.formattedMessage)
const bytecode = {}
for (const file of Object.values(output.contracts))
  for (const [name, c] of Object.entries(file)) bytecode[name] = '0x' + c.evm.bytecode.object
const validator = bytecode.CounterfactualValidator
delete bytecode.CounterfactualValidator
fs.writeFileSync(path.join(here, 'bytecode.json'), JSON.stringify({ compiler: solc.version(), bytecode }, null, 1) + '\n')
fs.writeFileSync(path.join(here, '../../counterfactual_validator.hex'), validator.slice(2) + '\n')
