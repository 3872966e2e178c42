import { apps, clients, consent, device, signOut } from '../apps'
import { add } from './add'

add({ apps, clients, consent, device, signOut })
