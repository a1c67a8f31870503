/* SPDX-License-Identifier: MIT
 *
 * Linked without any library.
 */
int main(void)
{
    return 0;
}
