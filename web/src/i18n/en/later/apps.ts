import { apps, clients, consent, signOut } from '../apps'
import { add } from './add'

add({ apps, clients, consent, signOut })
