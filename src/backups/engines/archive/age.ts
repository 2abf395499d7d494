/** As much of the library as is used; imported when an archive is encrypted or opened, as src/lib/yaml.ts is. */
export { Decrypter, Encrypter } from "age-encryption";
