import './history'
import { audit } from '../audit'
import { details, reasons } from '../reasons'
import { add } from './add'

add({ audit, details, reasons })
