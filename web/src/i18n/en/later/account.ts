import { account, addresses, checkUp, devices, duplicates, invitations, leaving, linkRequests, methods, recovery } from '../account'
import { add } from './add'

add({ account, addresses, checkUp, devices, duplicates, invitations, leaving, linkRequests, recovery, methods })
