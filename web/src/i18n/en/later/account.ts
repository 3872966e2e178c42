import { account, addresses, checkUp, devices, duplicates, invitations, linkRequests, methods, recovery } from '../account'
import { add } from './add'

add({ account, addresses, checkUp, devices, duplicates, invitations, linkRequests, recovery, methods })
