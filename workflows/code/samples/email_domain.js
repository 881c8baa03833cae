// The company's domain of an email address, and whether the address is a private one.
const PRIVATE = ['gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'yahoo.com', 'icloud.com', 'gmx.de'];

exports.main = async (event, callback) => {
  const email = (event.inputFields['email'] || '').trim().toLowerCase();
  const domain = email.includes('@') ? email.split('@').pop() : '';
  callback({
    outputFields: { domain: PRIVATE.includes(domain) ? '' : domain, is_private: PRIVATE.includes(domain) },
  });
};
