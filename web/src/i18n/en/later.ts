import { en } from '.'
import { details, reasons } from './reasons'

// The texts that only pages with an audit trail need. They import this file.
Object.assign(en.messages.details, details)
Object.assign(en.messages.reasons, reasons)
