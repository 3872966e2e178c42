import { webhooks } from '../webhooks'
import { add } from './add'

add({ webhooks })
